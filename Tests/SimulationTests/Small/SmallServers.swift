import ZooKeeper

@testable import ZooKeeperLocks

/// The znodes of a lock as one server has them.
struct SmallTree {
    struct Node: Hashable {
        var name: Name
        var czxid: Int16
        var session: UInt8
    }

    var hasParent = false
    /// In the order of their creation.
    var nodes: [Node] = []
    /// Who left word in the parent.
    var record: Name?
    var nextSequence: UInt8 = 0

    func contains(_ name: Name) -> Bool { nodes.contains { $0.name == name } }

    mutating func apply(_ change: SmallChange) {
        switch change {
        case .create(let node):
            nodes.append(node)
            nextSequence = node.name.sequence + 1
        case .replace(let name, let node):
            // In the old one's place in the queue, though not in that of its creation.
            nodes.removeAll { $0.name == name }
            nodes.append(node)
            // It is a child that was made like any other.
            nextSequence += 1
        case .delete(let name, let recording):
            nodes.removeAll { $0.name == name }
            if recording { record = name }
        case .makeParent:
            hasParent = true
            record = nil
            nextSequence = 0
        case .removeParent:
            hasParent = false
            record = nil
        case .close(let session):
            nodes.removeAll { $0.session == session }
        case .write, .none:
            break
        }
    }
}

enum SmallChange: Hashable {
    case create(SmallTree.Node)
    case delete(Name, recording: Bool)
    /// A reader's node for a writer's.
    case replace(Name, SmallTree.Node)
    /// Into a contender's node.
    case write(Name)
    case makeParent, removeParent
    case close(session: UInt8)
    /// A check, or a write that was refused.
    case none
}

extension SmallChange {
    var creates: Bool { if case .create = self { true } else { false } }
}

/// A write that the leader has committed; each server applies it in its own time.
struct SmallLogged {
    var change: SmallChange
    var failure: ZooKeeperError.Code?
    /// The client whose server answers it when it applies it.
    var origin: Int8
}

/// The server that a client is connected to.
struct SmallServer {
    var tree = SmallTree()
    /// How much of the log it has applied.
    var applied = 0
    /// What it was asked and has not answered, in order: a read waits for the writes before it.
    var pending: [SmallAsk] = []
    var watches: [Name] = []
}

/// A request of a contender.
struct SmallAsk {
    var contender: UInt8
    var entry: UInt8
    var inquiry: Inquiry
    /// The removal of a node that nobody was ahead of, as far as its contender knows.
    var leaves = false
}

enum SmallPacket {
    case answer(SmallAsk, Result<Answer, Refused>)
    case deleted(Name)
    /// Data, or the list of children.
    case changed(Name)

    struct Refused: Error { var code: ZooKeeperError.Code }
}
