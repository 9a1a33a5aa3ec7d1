public import ZooKeeper

/// One contender of a lock, as somebody who looks on sees it.
public struct QueueEntry: Hashable, Sendable {
    /// Which library's naming a contender follows.
    public enum Naming: Hashable, Sendable {
        /// `_c_<uuid>-lock-<number>`: Apache Curator, and this library.
        case curator
        /// `_c_<32 digits>-lock-<number>`: go-zookeeper.
        case goZookeeper
        /// `<32 digits>__lock__<number>`: kazoo.
        case kazoo
        /// A marker and a number that any of them would respect, and before it whatever its maker liked.
        case other
    }

    public var node: NodePath
    public var naming: Naming
    /// What it asks for.
    public var claim: Claim
    /// The token that it holds with, or will: the `czxid` of its znode.
    public var fencingToken: FencingToken
    /// When its znode was created, by the server's clock, in milliseconds since 1970: since when it queues.
    public var entered: Int64
    /// The session that keeps the znode alive; 0 for one that was made as persistent, and stays until it is deleted by hand.
    public var session: Int64
    /// The version of its data, to delete just what was looked at.
    public var version: Int32
    /// Its record, where it wrote one: contenders of this library do.
    public var owner: Owner?
    /// What it says of itself otherwise, as text: kazoo's `identifier`, the address that Curator writes. `nil` where there is nothing that
    /// can be read.
    public var identifier: String?
    /// Somebody asks it to give up, as of when its znode was read.
    public var revocation: RevocationRequest?

    init(_ name: ContenderName, at node: NodePath, _ stat: Stat, data: [UInt8]?) {
        self.node = node
        naming = Naming(name)
        claim = name.claim
        fencingToken = FencingToken(rawValue: stat.czxid)
        entered = stat.ctime
        session = stat.ephemeralOwner
        version = stat.version
        owner = data.flatMap(Owner.init)
        revocation = data.flatMap(RevocationRequest.init(contendersData:))
        identifier = owner == nil && revocation == nil ? data.flatMap(Self.text) : nil
    }

    /// Foreign data is shown to people: no control characters, and not a book.
    private static func text(_ data: [UInt8]) -> String? {
        guard !data.isEmpty, data.count <= Owner.maximumLabelLength, let text = String(validating: data, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return nil }
        return text
    }
}

extension QueueEntry: CustomStringConvertible {
    /// Who it is, in short.
    public var description: String { owner?.description ?? identifier ?? String(node.name) }
}

extension QueueEntry.Naming {
    init(_ name: ContenderName) {
        let text = Array(name.string.utf8)
        func isHexadecimal(_ part: ArraySlice<UInt8>) -> Bool {
            part.count == 32 && part.allSatisfy(\.isHexadecimalDigit)
        }
        if text.count > 32, isHexadecimal(text[..<32]), name.string.dropFirst(32).hasPrefix("__lock__") {
            self = .kazoo
        } else if name.string.hasPrefix("_c_"), let end = text.dropFirst(3).firstIndex(where: { !$0.isPartOfUUID }) {
            // The hyphen before "lock" has been taken along.
            let id = text[3..<end].last == UInt8(ascii: "-") ? text[3..<(end - 1)] : text[3..<end]
            self = isHexadecimal(id) ? .goZookeeper : id.count == 36 ? .curator : .other
        } else {
            self = .other
        }
    }
}

extension UInt8 {
    fileprivate var isHexadecimalDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    fileprivate var isPartOfUUID: Bool { isHexadecimalDigit || self == UInt8(ascii: "-") }
}
