public import ZooKeeper

/// A fair lock across processes and machines: who asks first is served first.
///
/// ```swift
/// let lock = try client.lock("/shop/sku-1")
/// try await lock.withLock(timeout: .seconds(2)) { lease in
///     try await stock.sell(token: lease.fencingToken)
/// }
/// ```
///
/// A value without state of its own: any number of tasks may use it, and each acquire is a contender of its own, so tasks of one
/// process exclude each other too; with ``Options/fairness`` they may share one and take turns. A task that holds the lock and asks for
/// it again waits for itself, unless the lock is ``Options/isReentrant``.
///
/// A free lock is taken in one round trip, by two requests at a time: one enters the queue, one lists it. A client that takes a lock over and over
/// and has been alone with it spares the servers the second, as the number in the answer to the first shows that nobody has come
/// between. Only if somebody then has come, within the fifth of a second since it let go, the entry takes a second round trip.
///
/// The lock's path becomes a container znode, made when it is first needed and removed by the server when it has been empty for a
/// while. Parents that are missing are made in the same way.
public struct DistributedLock: Sendable {
    public struct Options: Sendable {
        /// What the program says of itself to others in the queue, at most 4096 bytes; see ``Owner``.
        public var label: String?
        /// What the program hands to others in the queue, in whatever form they agree on: an address, for example; at most 65536 bytes, see
        /// ``Owner/payload``. Everybody who lists the queue reads it.
        public var payload: [UInt8]?
        /// The rights on the contender's znode, and on the lock's path where that is made.
        public var acl = Self.open
        /// Begin only when the lease is confirmed by a second proof. A lock that is free is otherwise granted in one round trip to a session
        /// that was idle, under a *provisional* lease: it is sound as long as the leader's pings and the followers' relays together are
        /// late by less than a third of the session timeout less half a tick. A confirmed one stands either being late by 0.3 of the timeout.
        /// Costs about a twelfth of the session timeout where nobody was ahead, and nothing for whoever had to wait long.
        public var waitsForConfirmedLease = false
        /// The longest time that one holder may keep the lock, from a second on; `nil` for no limit. It counts from the grant, also while the
        /// caller's actor is busy and has not noticed it. A holder that is alive but stuck is told a tenth of that ahead
        /// (``LeaseEvent/holdEnds(_:)``), then its lease is lost and its body cancelled, or not begun, and another tenth later its znode is
        /// deleted whether it has stopped or not. Where the tasks of a process take turns it is the turn that is limited: the znode stays, and
        /// the next one begins with a larger token.
        public var maximumHold: Duration?
        /// A `withLock` inside the body of another one of the same lock joins its lease instead of waiting for it for ever. Both have to be of
        /// locks with this option, with the same path, of the same client.
        ///
        /// What counts is the chain of calls, as a task-local value follows it: tasks that the body starts (`async let`, a group, `Task { }`; not
        /// `Task.detached`) join too, one at a time, in the order in which they ask. So they exclude each other, but not the body
        /// that has started them. The lock is released when the outermost body and all that have joined have ended, also what that body
        /// does not await. A lease that has ended is never joined: whoever comes later, or waited for its turn until then, queues like
        /// everybody else. One that was lost while its body still runs throws ``LockError/lost(_:_:token:)``.
        ///
        /// ``acquire(timeout:onPosition:file:line:)`` and ``tryAcquire(file:line:)`` neither join nor are joined: their leases are not bound to a
        /// body. Two tasks that have joined and wait for each other wait for ever, as with any lock.
        public var isReentrant = false
        /// How the contender's znode is named, for programs that use another library on the same path.
        public var naming = ContenderNaming.curator
        /// Whether a release waits for the servers.
        public var release = Release.awaited
        /// Whether all tasks of all processes are served in their order, or the tasks of this process take turns with one place in the queue.
        public var fairness = Fairness.strict

        // One array for all the locks of a program, which may be as many as those who wait.
        private static let open: [ACL] = [.open]

        public init() {}
    }

    /// Whether ``Lease/release()``, and with it the end of a `withLock`, waits until the servers have removed the znode.
    ///
    /// The znode is removed in either case, however often the connection is lost meanwhile, unless the process ends first: then it goes
    /// with the session. The next holder never begins before the body has ended.
    public enum Release: Hashable, Sendable {
        /// For a second at most, if they do not answer.
        case awaited
        /// Not at all: half of the time of a cycle that nobody competes for. What the caller does next through the same client is
        /// executed behind the removal; what others see at that moment may still be the held lock.
        case background
    }

    public var path: NodePath { entrance.path }
    public var client: ZooKeeperClient { entrance.client }
    public var options: Options { entrance.options }
    let entrance: QueueEntrance
    /// Where the tasks of this process take turns.
    private let share: ProcessTurns.Share?

    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public init(_ path: NodePath, client: ZooKeeperClient, options: Options = Options()) throws(ZooKeeperError) {
        entrance = try QueueEntrance(
            path, client: client, options: options, policy: QueuePolicy(claim: .exclusive, naming: options.naming),
            operation: "lock")
        share = ProcessTurns.shared(entrance)
    }

    // MARK: Acquire and release

    /// Waits for the lock: enters the queue at its end, in one round trip, and is granted the lock when everybody in front is gone.
    ///
    /// The wait lives through lost connections. When the session expires meanwhile, the place in the queue is lost with it; the
    /// wait goes on from the end of the queue in the next session.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait in all, however often the waiter is woken; `nil` for no limit. Zero takes the lock if it is
    ///     free.
    ///   - onPosition: called on entering the queue and whenever the queue was looked at again, on a thread of the client: it must
    ///     not block.
    /// - Throws: ``LockError/timedOut(_:ahead:holder:)``; ``LockError/cancelled(_:)`` when the calling task is cancelled;
    ///   ``LockError/session(_:)`` when ZooKeeper refuses, as for missing rights. In each case nothing is left in the queue when
    ///   this throws; only if the connection is lost, or the server takes more than a second, the removal goes on in the background.
    public func acquire(
        timeout: Duration? = nil,
        onPosition: (@Sendable (QueuePosition) -> Void)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) async throws(LockError) -> Lease {
        guard let turns = share?.turns else {
            return try await entrance.acquire(timeout: timeout, onPosition: onPosition, file: file, line: line)
        }
        return try await turns.acquire(entrance, timeout: timeout, onPosition: onPosition, file: file, line: line)
    }

    /// Takes the lock if it is free; `nil` if it is not. Does not wait for anybody, just for the server's answer.
    ///
    /// - Throws: as ``acquire(timeout:onPosition:file:line:)`` does, and ``LockError/session(_:)`` when there is no answer within the
    ///   client's request timeout.
    public func tryAcquire(file: String = #fileID, line: Int = #line) async throws(LockError) -> Lease? {
        guard let turns = share?.turns else { return try await entrance.tryAcquire(file: file, line: line) }
        return try await turns.tryAcquire(entrance, file: file, line: line)
    }
}

extension ZooKeeperClient {
    /// The lock at `path`.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public func lock(
        _ path: String, options: DistributedLock.Options = .init()
    ) throws(ZooKeeperError) -> DistributedLock {
        try DistributedLock(NodePath(path), client: self, options: options)
    }
}
