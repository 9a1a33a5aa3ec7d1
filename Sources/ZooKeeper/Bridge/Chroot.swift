/// The znode that is a client's root. Paths are put beneath it here, and not by the C client, which does not know of it.
///
/// Where the C client adds the prefix it makes copies of paths, and its `zoo_amulti` (3.8.0) frees them twice when the session ends while a
/// transaction is being handed over: seen as an abort of a process that had been suspended, and was renewing its lease when it woke.
struct Chroot: Hashable, Sendable {
    private let prefix: String

    init(_ path: NodePath = .root) {
        prefix = path == .root ? "" : path.string
    }

    /// The path as the servers know it.
    func full(_ path: NodePath) -> String {
        if prefix.isEmpty { return path.string }
        return path == .root ? prefix : prefix + path.string
    }

    /// The path as the client knows it. The servers name no others to it.
    func relative(_ full: String) -> NodePath {
        guard !prefix.isEmpty, full.utf8.starts(with: prefix.utf8) else { return NodePath(unchecked: full) }
        let rest = full.utf8.dropFirst(prefix.utf8.count)
        if rest.isEmpty { return .root }
        return NodePath(unchecked: rest.first == UInt8(ascii: "/") ? String(Substring(rest)) : full)
    }
}
