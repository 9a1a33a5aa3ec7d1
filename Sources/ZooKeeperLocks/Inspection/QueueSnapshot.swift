public import ZooKeeper

/// The queue of a lock as of one look at it.
public struct QueueSnapshot: Hashable, Sendable {
    /// The lock.
    public var path: NodePath
    /// In the order in which they are served. The first one holds the lock, or is about to learn that it does.
    public var entries: [QueueEntry]
    /// The names of children that are no contenders: nobody waits for them.
    public var others: [String]
    /// Of a semaphore: how many permits there are.
    public var permits: Int?
    /// Since when ``holder`` holds, by the servers' clock, in milliseconds since 1970. `nil` where it cannot be known: the servers keep no
    /// history. It is known of one that was alone when it came, and has been followed by nobody or was the path's first; and of one that had
    /// to wait behind one that had to wait, with nobody in between. Only ``ZooKeeper/ZooKeeperClient/queue(of:)`` looks for it.
    public var holdingSince: Int64?

    public init(
        path: NodePath, entries: [QueueEntry] = [], others: [String] = [], permits: Int? = nil,
        holdingSince: Int64? = nil
    ) {
        self.path = path
        self.entries = entries
        self.others = others
        self.permits = permits
        self.holdingSince = holdingSince
    }

    /// Who holds the lock, or the first of those who do; `nil` when it is free.
    public var holder: QueueEntry? { entries.first }

    /// All who hold, in order: more than one only of readers and of a semaphore.
    public var holders: ArraySlice<QueueEntry> {
        switch entries.first?.claim {
        case .read?: entries.prefix { $0.claim == .read }
        case .permits?: entries.prefix(holdersOfPermits)
        case .exclusive?, .write?: entries.prefix(1)
        case nil: []
        }
    }

    private var holdersOfPermits: Int {
        var left = permits ?? 0
        let count = entries.prefix { entry in
            guard case .permits(let taken) = entry.claim, taken <= left else { return false }
            left -= taken
            return true
        }.count
        return max(1, count)
    }

    /// Who waits, in order.
    public var waiting: ArraySlice<QueueEntry> { entries.dropFirst(holders.count) }

    /// How many are in front of that contender; `nil` when it is not in the queue.
    public func ahead(of node: NodePath) -> Int? {
        entries.firstIndex { $0.node == node }
    }

    /// The contender with that token.
    public func entry(with token: FencingToken) -> QueueEntry? {
        // Which turn a process has with its znode, only that process knows.
        entries.first { $0.fencingToken.rawValue == token.rawValue }
    }
}

/// A lock that somebody holds, without the details of who waits.
public struct LockSummary: Hashable, Sendable {
    public var path: NodePath
    public var holder: QueueEntry
    /// How many wait behind the holder.
    public var waiting: Int

    public init(path: NodePath, holder: QueueEntry, waiting: Int) {
        self.path = path
        self.holder = holder
        self.waiting = waiting
    }
}

/// The names of a lock's children, told apart.
struct QueueNames: Hashable, Sendable {
    var contenders: [ContenderName]
    var others: [String]

    init(_ names: [String]) {
        contenders = []
        others = []
        for name in names {
            if let contender = ContenderName(name) { contenders.append(contender) } else { others.append(name) }
        }
        contenders.sort { $0.precedes($1) }
        others.sort()
    }
}
