/// The watches of one session, and the size of the packet that would set them again after a reconnect.
///
/// The C client re-sends all watches in one packet. Over the server's limit (1 MB as shipped) the server drops the
/// connection, and the client reconnects and fails for ever. So the bytes are counted here, and a watch too many is refused
/// while everything still works.
///
/// A path is watched once in each list of that packet, however many are interested: whoever comes later shares the watch, and one
/// that nobody is interested in any more is there for the next. So those who come and go in front of one znode leave nothing behind.
struct WatchTable {
    /// The lists of the packet.
    enum List: Hashable { case data, exists, children }

    typealias Handler = @Sendable (Result<WatchEvent, RequestFailure>) -> Void

    private struct Listed: Hashable {
        var path: NodePath
        var list: List
    }

    private struct Entry {
        var listed: Listed
        /// Those whose request was answered: they see the next event.
        var interested: [UInt64: Handler] = [:]
        /// Those whose request is on its way; `nil` if they lost interest. An event that comes first is not theirs: they will read
        /// what it changed.
        var asking: [UInt64: Handler?] = [:]
        /// The C client holds the watch: an answer has set it, and it has not fired since.
        var isSet = false
    }

    /// Half of the packet limit that servers are shipped with.
    static let byteBudget = 512 * 1024

    private var entries = SlotArray<Entry>()
    private var keys: [Listed: UInt64] = [:]
    private var lastSubscriber: UInt64 = 0
    private(set) var bytes = 0
    /// What the chroot adds to each path in the packet.
    private let prefixLength: Int

    init(prefixLength: Int) {
        self.prefixLength = prefixLength
    }

    /// How many watches the C client holds or may come to hold.
    var count: Int { entries.count }

    /// How many are to be told of something.
    var subscribers: Int {
        var count = 0
        entries.forEach { count += $1.interested.count + $1.asking.values.count { $0 != nil } }
        return count
    }

    /// `nil` when one more would pass the budget.
    mutating func insert(path: NodePath, list: List, handler: @escaping Handler) -> WatchID? {
        let listed = Listed(path: path, list: list)
        let key: UInt64
        if let known = keys[listed] {
            key = known
        } else {
            guard bytes + size(of: path) <= Self.byteBudget else { return nil }
            bytes += size(of: path)
            key = entries.insert(Entry(listed: listed))
            keys[listed] = key
        }
        lastSubscriber += 1
        entries[key]?.asking[lastSubscriber] = .some(handler)
        return WatchID(key: key, subscriber: lastSubscriber)
    }

    /// The request that carried the watch was answered. The C client sets it then, or never: a `get` of a missing znode
    /// leaves no watch, an `exists` does.
    mutating func settle(_ id: WatchID, failure: ZooKeeperError.Code?) {
        guard var entry = entries[id.key], let handler = entry.asking.removeValue(forKey: id.subscriber) else { return }
        if failure == nil || (failure == .noNode && entry.listed.list == .exists) {
            entry.isSet = true
            if let handler { entry.interested[id.subscriber] = handler }
        }
        entries[id.key] = entry
        removeIfUnused(id.key)
    }

    /// The request that was to carry the watch was never sent.
    mutating func withdraw(_ id: WatchID) {
        entries[id.key]?.asking[id.subscriber] = nil
        removeIfUnused(id.key)
    }

    /// Nobody waits for this one any more. The C client may still hold the watch.
    mutating func forget(_ id: WatchID) {
        guard var entry = entries[id.key] else { return }
        entry.interested[id.subscriber] = nil
        if entry.asking[id.subscriber] != nil { entry.asking[id.subscriber] = .some(nil) }
        entries[id.key] = entry
    }

    /// The watch has fired: who is to be told, in the order in which they asked.
    mutating func fired(_ id: WatchID) -> [Handler] {
        guard var entry = entries[id.key] else { return [] }
        let handlers = entry.interested.sorted { $0.key < $1.key }.map(\.value)
        entry.interested = [:]
        entry.isSet = false
        entries[id.key] = entry
        removeIfUnused(id.key)
        return handlers
    }

    mutating func removeAll() -> [Handler] {
        keys = [:]
        bytes = 0
        return entries.removeAll().flatMap { $0.interested.values + $0.asking.values.compactMap { $0 } }
    }

    private mutating func removeIfUnused(_ key: UInt64) {
        guard let entry = entries[key], !entry.isSet, entry.asking.isEmpty else { return }
        _ = entries.remove(key)
        keys[entry.listed] = nil
        bytes -= size(of: entry.listed.path)
    }

    private func size(of path: NodePath) -> Int {
        4 + prefixLength + path.string.utf8.count
    }
}

/// Names the interest of one request in one watch of a session.
package struct WatchID: Hashable, Sendable {
    /// Names the watch; the same for all who watch the same in the same way.
    let key: UInt64
    let subscriber: UInt64

    init(key: UInt64, subscriber: UInt64 = 0) {
        self.key = key
        self.subscriber = subscriber
    }
}
