/// The absolute path of a znode, checked when it is made: `/jobs/nightly`.
///
/// Paths are compared byte by byte, as the server does: two Unicode spellings of one name are two znodes.
public struct NodePath: Hashable, Sendable {
    /// The path as text; always begins with `/`.
    public let string: String

    /// The longest path that is accepted, in UTF-8 bytes. The server has no limit of its own, but a request larger than
    /// its packet limit breaks the connection, and again with every repetition.
    public static let maximumLength = 4096

    public static let root = NodePath(unchecked: "/")

    /// Checks `string` by the rules of the server and of the C client.
    ///
    /// - Throws: ``ZooKeeperError/Code/invalidPath`` that names the reason and where it lies.
    public init(_ string: String) throws(ZooKeeperError) {
        if let flaw = NodePath.flaw(in: string) {
            throw ZooKeeperError(.invalidPath, operation: "check path", detail: flaw)
        }
        self.string = string
    }

    package init(unchecked string: String) {
        self.string = string
    }

    /// The last component; empty for the root.
    public var name: Substring {
        string[string.utf8.index(after: lastSlash)...]
    }

    /// The path without its last component; `nil` for the root.
    public var parent: NodePath? {
        guard string.utf8.count > 1 else { return nil }
        let slash = lastSlash
        return slash == string.startIndex ? .root : NodePath(unchecked: String(string[..<slash]))
    }

    /// The path of the child called `name`.
    ///
    /// - Throws: ``ZooKeeperError/Code/invalidPath`` when the name is empty, has a slash or is otherwise not allowed.
    public func appending(_ name: String) throws(ZooKeeperError) -> NodePath {
        guard !name.utf8.contains(UInt8(ascii: "/")) else {
            throw ZooKeeperError(
                .invalidPath, operation: "check path", path: self, detail: "the name of a child has no slash: \(name)")
        }
        return try NodePath(self == .root ? "/" + name : string + "/" + name)
    }

    /// For names that a server sent, which have been checked there.
    package func appending(unchecked name: String) -> NodePath {
        string.withBytes { parent in
            name.withBytes { name in
                // The root ends with its slash.
                let slash = parent.count > 1 ? 1 : 0
                let count = parent.count + slash + name.count
                let path = String(unsafeUninitializedCapacity: count) { path in
                    _ = path.initialize(fromContentsOf: parent)
                    if slash > 0 { path.initializeElement(at: parent.count, to: UInt8(ascii: "/")) }
                    _ = path[(parent.count + slash)...].initialize(fromContentsOf: name)
                    return count
                }
                return NodePath(unchecked: path)
            }
        }
    }

    private var lastSlash: String.Index {
        // In one piece: the collection of a string's bytes goes step by step.
        let offset = string.withBytes { $0.lastIndex(of: UInt8(ascii: "/")) } ?? 0
        return string.utf8.index(string.startIndex, offsetBy: offset)
    }

    public static func == (lhs: NodePath, rhs: NodePath) -> Bool { lhs.string.hasSameBytes(as: rhs.string) }

    public func hash(into hasher: inout Hasher) { string.hashBytes(into: &hasher) }
}

extension NodePath: CustomStringConvertible {
    public var description: String { string }
}
