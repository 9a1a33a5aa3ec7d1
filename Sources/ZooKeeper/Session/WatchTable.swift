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

    typealias Handler = Session.WatchHandler
    typealias Answer = Session.WatchAnswer

    typealias Progress = Session.WatchProgress

    /// A node by its parent's path and its own name, which are at hand anyway: whoever waits in a queue keeps the names of those it watches,
    /// and there may be thousands. The whole path would be another string for each.
    private struct Listed: Hashable {
        var parent: NodePath
        /// Empty for the root.
        var name: String
        var list: List

        init(_ path: NodePath, child: String, _ list: List) {
            if child.isEmpty, let parent = path.parent {
                (self.parent, name) = (parent, String(path.name))
            } else {
                (parent, name) = (path, child)
            }
            self.list = list
        }

        /// In UTF-8 bytes.
        var length: Int { (parent == .root ? 0 : parent.string.utf8.count) + 1 + name.utf8.count }

        static func == (lhs: Listed, rhs: Listed) -> Bool {
            lhs.list == rhs.list && lhs.name.hasSameBytes(as: rhs.name) && lhs.parent == rhs.parent
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(list)
            hasher.combine(parent)
            name.hashBytes(into: &hasher)
        }
    }

    /// One who watches. There is mostly one for each watch, but may be very many watches: so no dictionary.
    ///
    /// The fields of this and of the entry are in an order in which they leave no gaps: a table may have ten thousand.
    private struct Subscriber {
        /// `nil`: it has lost interest.
        var handler: Handler?
        var number: UInt32
        /// Its request is on its way. An event that comes first is not for it: it will read what that changed.
        var isAsking = true
    }

    private struct Entry {
        var listed: Listed
        /// Of what is listed: it takes longer to find than all the rest does.
        let hash: Int
        /// The C client holds the watch: an answer has set it, and it has not fired since.
        var isSet = false
        /// In which connection that was.
        var connection: UInt32 = 0
        /// In the order in which they asked: the first one, and the others.
        var first: Subscriber?
        var others: [Subscriber] = []

        init(listed: Listed, hash: Int) { (self.listed, self.hash) = (listed, hash) }

        var subscribers: [Subscriber] { (first.map { [$0] } ?? []) + others }
        var isAsking: Bool { first?.isAsking ?? false || others.contains(where: \.isAsking) }

        mutating func append(_ subscriber: Subscriber) {
            if first == nil, others.isEmpty { first = subscriber } else { others.append(subscriber) }
        }

        /// Says whether there is one with that number.
        mutating func settle(_ number: UInt32, holds: Bool) -> Bool {
            change(number) { subscriber in
                guard subscriber?.isAsking == true else { return }
                subscriber?.isAsking = false
                // One that is to hear nothing need not be known.
                if !holds || subscriber?.handler == nil { subscriber = nil }
            }
        }

        /// The same for those who wait for one answer, of whom there may be thousands.
        mutating func settle(_ following: [(number: UInt32, answer: Answer)], holds: Bool) -> Bool {
            guard !following.isEmpty else { return false }
            let numbers = Set(following.map(\.number))
            var isKnown = false
            func settled(_ subscriber: Subscriber) -> Subscriber? {
                guard numbers.contains(subscriber.number) else { return subscriber }
                isKnown = true
                var subscriber = subscriber
                subscriber.isAsking = false
                return holds && subscriber.handler != nil ? subscriber : nil
            }
            first = first.flatMap(settled)
            others = others.compactMap(settled)
            return isKnown
        }

        /// Changes or, with `nil`, removes the one with that number. Says whether there was one.
        @discardableResult
        mutating func change(_ number: UInt32, _ body: (inout Subscriber?) -> Void) -> Bool {
            if first?.number == number {
                body(&first)
                return true
            }
            guard let index = others.firstIndex(where: { $0.number == number }) else { return false }
            var subscriber: Subscriber? = others[index]
            body(&subscriber)
            if let subscriber { others[index] = subscriber } else { others.remove(at: index) }
            return true
        }
    }

    /// Less than the packet limit that servers are shipped with (`jute.maxbuffer`, 1,048,575 bytes), of which the packet needs 28 for
    /// itself.
    static let byteBudget = 1_000_000

    private var entries = SlotArray<Entry>()
    /// By the hash of what is listed, which stands in the entry. Should two have the same hash, only one of them is shared.
    private var keys: [Int: UInt64] = [:]
    /// Those who wait for the answer to another's request, by the key of the watch. As long as there are any, there is such a request.
    private var followers: [UInt64: [(number: UInt32, answer: Answer)]] = [:]
    /// Tells those apart who watch the same at one time, so it may begin anew after four thousand million.
    private var lastSubscriber: UInt32 = 0
    /// Another number for each.
    private var connection: UInt32 = 0
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
        entries.forEach { count += $1.subscribers.count { $0.handler != nil } }
        return count
    }

    /// A place for a watch that the next request will carry; `nil` when one more would pass the budget.
    ///
    /// - Parameter child: the name of the path's child that is meant; empty for the path's own node.
    mutating func insert(path: NodePath, child: String = "", list: List, handler: @escaping Handler) -> WatchID? {
        place(Listed(path, child: child, list), handler, nil)?.id
    }

    /// The same, for whom it is enough that the watch is set: if it was set in this connection, or another request that is under way
    /// carries it, no other has to.
    ///
    /// - Parameter answer: is for the answer to that other request.
    mutating func join(
        path: NodePath, child: String = "", list: List, handler: @escaping Handler, answer: @escaping Answer
    ) -> (id: WatchID, progress: Progress)? {
        place(Listed(path, child: child, list), handler, answer)
    }

    /// - Parameter answer: `nil`: the watch needs a request of its own.
    private mutating func place(_ listed: Listed, _ handler: @escaping Handler, _ answer: Answer?)
        -> (id: WatchID, progress: Progress)?
    {
        let hash = listed.hashValue
        let number = lastSubscriber &+ 1
        lastSubscriber = number
        let known = keys[hash]
        var progress: Progress?
        if let known {
            entries.change(known) { entry in
                guard entry.listed == listed else { return }
                let isSet = entry.isSet && entry.connection == connection
                progress = answer == nil ? .unasked : isSet ? .set : entry.isAsking ? .asked : .unasked
                entry.append(Subscriber(handler: handler, number: number, isAsking: progress != .set))
            }
        }
        if let known, let progress {
            if progress == .asked, let answer { followers[known, default: []].append((number, answer)) }
            return (WatchID(key: known, subscriber: number), progress)
        }
        guard bytes + size(of: listed) <= Self.byteBudget else { return nil }
        bytes += size(of: listed)
        var entry = Entry(listed: listed, hash: hash)
        entry.append(Subscriber(handler: handler, number: number))
        let key = entries.insert(entry)
        if known == nil { keys[hash] = key }
        return (WatchID(key: key, subscriber: number), .unasked)
    }

    /// The request that carried the watch was answered. The C client sets it then, or never: a `get` of a missing znode
    /// leaves no watch, an `exists` does.
    ///
    /// - Returns: those whose answer that is, too.
    @discardableResult
    mutating func settle(_ id: WatchID, failure: ZooKeeperError.Code?) -> [Answer] {
        let following = followers.isEmpty ? [] : followers.removeValue(forKey: id.key) ?? []
        entries.change(id.key) { entry in
            let holds = failure == nil || (failure == .noNode && entry.listed.list == .exists)
            var isKnown = entry.settle(id.subscriber, holds: holds)
            if entry.settle(following, holds: holds) { isKnown = true }
            if isKnown, holds { (entry.isSet, entry.connection) = (true, connection) }
        }
        removeIfUnused(id.key)
        // Thousands may have come at once, and never again.
        if followers.isEmpty, followers.capacity > 64 { followers = [:] }
        return following.map(\.answer)
    }

    /// The request that was to carry the watch was never sent.
    ///
    /// - Returns: those who counted on it.
    @discardableResult
    mutating func withdraw(_ id: WatchID) -> [Answer] {
        var isAsking = false
        let following = followers[id.key] ?? []
        entries.change(id.key) { entry in
            entry.change(id.subscriber) { $0 = nil }
            // Those who follow are all asking: is anybody else?
            isAsking = entry.subscribers.count(where: \.isAsking) > following.count
            if !isAsking { _ = entry.settle(following, holds: false) }
        }
        removeIfUnused(id.key)
        guard !following.isEmpty, !isAsking else { return [] }
        followers[id.key] = nil
        return following.map(\.answer)
    }

    /// Nobody waits for this one any more. The C client may still hold the watch.
    mutating func forget(_ id: WatchID) {
        entries.change(id.key) { entry in
            entry.change(id.subscriber) { subscriber in
                if subscriber?.isAsking == true { subscriber?.handler = nil } else { subscriber = nil }
            }
        }
    }

    /// The watch has fired: who is to be told, in the order in which they asked. There is mostly one.
    mutating func fired(_ id: WatchID) -> (first: Handler?, others: [Handler]) {
        var told: (first: Handler?, others: [Handler]) = (nil, [])
        entries.change(id.key) { entry in
            entry.isSet = false
            if entry.first?.isAsking == false { told.first = entry.first.take()?.handler }
            guard !entry.others.isEmpty else { return }
            told.others = entry.others.filter { !$0.isAsking }.compactMap(\.handler)
            entry.others.removeAll { !$0.isAsking }
        }
        removeIfUnused(id.key)
        return told
    }

    /// The connection is lost, or there is another one. The C client sets its watches again in the next, and is told what has happened meanwhile,
    /// but in no particular order.
    mutating func connectionChanged() { connection &+= 1 }

    mutating func removeAll() -> [Handler] {
        (keys, followers) = ([:], [:])
        bytes = 0
        return entries.removeAll().flatMap { $0.subscribers.compactMap(\.handler) }
    }

    private mutating func removeIfUnused(_ key: UInt64) {
        var isUnused = false
        entries.change(key) { isUnused = !$0.isSet && !$0.isAsking }
        guard isUnused, let entry = entries.remove(key) else { return }
        if keys[entry.hash] == key { keys[entry.hash] = nil }
        bytes -= size(of: entry.listed)
    }

    private func size(of listed: Listed) -> Int {
        4 + prefixLength + listed.length
    }
}

/// Names the interest of one request in one watch of a session.
package struct WatchID: Hashable, Sendable {
    /// Names the watch; the same for all who watch the same in the same way.
    let key: UInt64
    let subscriber: UInt32

    init(key: UInt64, subscriber: UInt32 = 0) {
        self.key = key
        self.subscriber = subscriber
    }
}
