/// The watches of one session, and the size of the packet that would set them again after a reconnect.
///
/// The C client re-sends all watches in one packet. Over the server's limit (1 MB as shipped) the server drops the
/// connection, and the client reconnects and fails for ever. So the bytes are counted here, and a watch too many is refused
/// while everything still works.
struct WatchTable {
    /// The lists of the packet.
    enum List: Hashable { case data, exists, children }

    typealias Handler = @Sendable (Result<WatchEvent, RequestFailure>) -> Void

    private struct Entry {
        var path: NodePath
        var list: List
        /// `nil` when nobody is interested any more. The C client still holds the watch, so it still counts.
        var handler: Handler?
    }

    private struct Listed: Hashable {
        var path: NodePath
        var list: List
    }

    /// Half of the packet limit that servers are shipped with.
    static let byteBudget = 512 * 1024

    private var slots = SlotArray<Entry>()
    private var listed: [Listed: Int] = [:]
    private(set) var bytes = 0
    /// What the chroot adds to each path in the packet.
    private let prefixLength: Int

    init(prefixLength: Int) {
        self.prefixLength = prefixLength
    }

    var count: Int { slots.count }

    /// `nil` when one more would pass the budget.
    mutating func insert(path: NodePath, list: List, handler: @escaping Handler) -> WatchID? {
        let key = Listed(path: path, list: list)
        let cost = listed[key] == nil ? size(of: path) : 0
        guard bytes + cost <= Self.byteBudget else { return nil }
        bytes += cost
        listed[key, default: 0] += 1
        return WatchID(key: slots.insert(Entry(path: path, list: list, handler: handler)))
    }

    /// The request that carried the watch was answered. The C client sets it then, or never: a `get` of a missing znode
    /// leaves no watch, an `exists` does.
    mutating func settle(_ id: WatchID, failure: ZooKeeperError.Code?) -> Handler? {
        guard let failure, let entry = slots[id.key], !(entry.list == .exists && failure == .noNode) else { return nil }
        return remove(id)
    }

    /// The watch has fired.
    mutating func remove(_ id: WatchID) -> Handler? {
        guard let entry = slots.remove(id.key) else { return nil }
        let key = Listed(path: entry.path, list: entry.list)
        if let count = listed[key], count > 1 {
            listed[key] = count - 1
        } else if listed.removeValue(forKey: key) != nil {
            bytes -= size(of: entry.path)
        }
        return entry.handler
    }

    /// Nobody is interested any more.
    mutating func forget(_ id: WatchID) {
        slots[id.key]?.handler = nil
    }

    mutating func removeAll() -> [Handler] {
        listed = [:]
        bytes = 0
        return slots.removeAll().compactMap(\.handler)
    }

    private func size(of path: NodePath) -> Int {
        4 + prefixLength + path.string.utf8.count
    }
}

/// Names one watch of one session.
package struct WatchID: Hashable, Sendable {
    let key: UInt64
}
