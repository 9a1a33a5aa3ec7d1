import Locking
public import ZooKeeper
public import ZooKeeperLocks

/// What happened around one lock in a run, as everybody who took part saw it: a value to be judged by a ``HistoryChecker``.
///
/// All instants are of the `ContinuousClock` of one machine, so those of several processes on it compare.
public struct LockHistory: Hashable, Sendable {
    /// One attempt to acquire, from the call to its end. The next attempt of the same task is another contender.
    public struct Contender: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        public let name: String

        public init(_ name: String) {
            self.name = name
        }

        public init(stringLiteral name: String) {
            self.name = name
        }

        public var description: String { name }
    }

    public enum Kind: Hashable, Sendable {
        /// The acquire was called.
        case asked(Contender)
        /// The contender has a place in the queue: its znode. Once more, after its session expired: the place before is void.
        case entered(Contender, node: NodePath, czxid: Int64)
        /// The acquire returned. `validUntil` is how long the lease says that it may be believed; `nil` where it makes no such claim:
        /// then until it is told to be over.
        case granted(Contender, token: FencingToken, validUntil: ContinuousClock.Instant?)
        /// The lease may be believed for longer.
        case renewed(Contender, validUntil: ContinuousClock.Instant)
        /// The body was told to stop.
        case cancelled(Contender)
        /// The holder does nothing more under the lock. Noted before the release.
        case bodyEnded(Contender)
        /// The release is called now.
        case released(Contender)
        /// The lease said that it is over, not by a release.
        case lost(Contender)
        /// The acquire ended without the lock: it was cancelled, timed out, or failed.
        case gaveUp(Contender)
        /// Its process was killed.
        case crashed(Contender)
        /// A contender's znode appeared, seen at the leader.
        case nodeCreated(NodePath)
        /// A contender's znode was gone, seen at the leader.
        case nodeDeleted(NodePath)
        /// A write reached what the lock protects, which took it or refused it by its token.
        case write(token: FencingToken, accepted: Bool)
    }

    public struct Event: Hashable, Sendable {
        public var instant: ContinuousClock.Instant
        public var kind: Kind

        public init(_ kind: Kind, at instant: ContinuousClock.Instant) {
            self.instant = instant
            self.kind = kind
        }
    }

    /// In the order in which they were learned.
    public private(set) var events: [Event] = []

    public init() {}

    public mutating func add(_ kind: Kind, at instant: ContinuousClock.Instant = .now) {
        events.append(Event(kind, at: instant))
    }
}

extension LockHistory {
    /// Takes down a history from many tasks.
    public final class Recorder: Sendable {
        private let state = Locked(LockHistory())

        public init() {}

        /// Notes what happened at that instant.
        public func record(_ kind: Kind, at instant: ContinuousClock.Instant = .now) {
            state.withLock { $0.add(kind, at: instant) }
        }

        /// What was noted until now.
        public var history: LockHistory { state.withLock { $0 } }

        /// Notes the znodes below the lock's path as they come and go, until the calling task is cancelled. Connect `client` to the
        /// leader alone: what another member knows may be late. A node that comes and goes between two looks is not seen.
        ///
        /// - Throws: ``ZooKeeperError`` when the path is missing, or cannot be read.
        public func observe(_ path: NodePath, through client: ZooKeeperClient) async throws(ZooKeeperError) {
            var known: Set<String> = []
            var changes = client.childrenChanges(of: path).makeAsyncIterator()
            while let names = try await changes.next() {
                let instant = ContinuousClock.now
                let names = Set(names)
                for name in names.subtracting(known).sorted() {
                    record(.nodeCreated(try path.child(name)), at: instant)
                }
                for name in known.subtracting(names).sorted() {
                    record(.nodeDeleted(try path.child(name)), at: instant)
                }
                known = names
            }
        }
    }
}

extension NodePath {
    fileprivate func child(_ name: String) throws(ZooKeeperError) -> NodePath {
        try NodePath(self == .root ? "/" + name : string + "/" + name)
    }
}
