import ZooKeeper

@testable import ZooKeeperLocks

/// The children of one lock, as a server has them: names, numbers, watches that fire once.
struct TurnServer {
    struct Node {
        var name: String
        var czxid: Int64
        var session: Int
    }

    struct Watcher: Hashable {
        var process: Int
        var session: Int
        var node: Int
        /// `nil`: all children.
        var name: String?
    }

    private(set) var nodes: [Node] = []
    private(set) var data = ParentData.empty
    private var watchers: [Watcher] = []
    private var zxid: Int64 = 100
    private var sequence = 0

    var names: [String] { nodes.map(\.name) }

    mutating func create(_ prefix: String, session: Int) -> (own: QueueMachine.Own, fired: [Watcher]) {
        zxid += 1
        let digits = String(sequence)
        sequence += 1
        let name = prefix + String(repeating: "0", count: 10 - digits.count) + digits
        nodes.append(Node(name: name, czxid: zxid, session: session))
        return (QueueMachine.Own(name: name, czxid: zxid), fire { $0.name == nil })
    }

    /// - Returns: `nil` when it is not there.
    mutating func delete(_ name: String, recording: Bool) -> [Watcher]? {
        guard let index = nodes.firstIndex(where: { $0.name == name }) else { return nil }
        zxid += 1
        nodes.remove(at: index)
        if recording { data = ParentData.recording(name) }
        return fire { $0.name == nil || $0.name == name }
    }

    /// All that is a session's goes, and its watches with it.
    mutating func expire(_ session: Int) -> [Watcher] {
        watchers.removeAll { $0.session == session }
        return nodes.filter { $0.session == session }.flatMap { delete($0.name, recording: false) ?? [] }
    }

    /// - Returns: whether there is something to watch.
    mutating func watch(_ watcher: Watcher) -> Bool {
        guard watcher.name.map({ name in nodes.contains { $0.name == name } }) ?? true else { return false }
        watchers.append(watcher)
        return true
    }

    private mutating func fire(_ condition: (Watcher) -> Bool) -> [Watcher] {
        defer { watchers.removeAll(where: condition) }
        return watchers.filter(condition)
    }
}
