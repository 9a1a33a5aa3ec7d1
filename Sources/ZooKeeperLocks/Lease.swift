import Locking
import Logging
public import ZooKeeper

/// A lock that was obtained, until it is released or lost.
///
/// A lease that is dropped without ``release()`` is given back in the background, with one warning that names the place of its
/// acquire, or without one if it was lost.
public final class Lease: Sendable {
    /// Larger than that of every earlier holder of this lock, and of every earlier turn in this process: hand it to whatever the lock protects.
    public let fencingToken: FencingToken
    /// The znode that stands for this lease. Another one after a ``downgrade()``.
    public var node: NodePath { contender.node }

    let contender: Contender
    let origin: (file: String, line: Int)
    /// Of a nested `withLock` of a reentrant lock: that one is released by itself, and the lock goes on being held.
    private let nestedRelease: Promise<Void>?
    /// Where the tasks of the process share the contender.
    let turn: LocalTurn?

    init(_ own: QueueMachine.Own, of contender: Contender, file: String, line: Int) {
        fencingToken = FencingToken(rawValue: own.czxid)
        self.contender = contender
        origin = (file, line)
        nestedRelease = nil
        turn = nil
    }

    /// For a turn in the process.
    init(_ turn: LocalTurn, file: String, line: Int) {
        fencingToken = turn.turn.token
        contender = turn.contender
        origin = (file, line)
        nestedRelease = nil
        self.turn = turn
    }

    /// For a scope inside that of `lease`.
    init(joining lease: Lease, file: String, line: Int) {
        fencingToken = lease.fencingToken
        contender = lease.contender
        origin = (file, line)
        nestedRelease = Promise()
        turn = lease.turn
    }

    private var isReleased: Bool { nestedRelease?.current != nil || isGivenBack }

    /// Whether it was released, or that one was which it has joined.
    var isGivenBack: Bool { turn?.isReleased ?? contender.state.isReleased }

    /// Whether it is over by now, whether or not anybody has been told.
    func lossByNow() -> LossReason? { turn.map { $0.lossByNow() } ?? contender.lossByNow() }

    deinit {
        guard nestedRelease == nil else { return }
        guard !isGivenBack else { return }
        if lossByNow() == nil {
            contender.client.configuration.logger.warning(
                "a lease was dropped without release(); it is given back now",
                metadata: ["node": "\(node)", "acquired": "\(origin.file):\(origin.line)"])
        }
        // Also when it was lost: the session may go on, and the znode with it, and whoever hears of a loss has nothing to release.
        if let turn { turn.end() } else { contender.requestRelease() }
    }

    /// The path of the lock.
    public var path: NodePath { contender.path }

    /// Until when the lease may be believed, unless it is extended: as long as there is a connection it is, six times a session timeout.
    /// Without one it lasts for about a third of the session timeout more, and the body of a `withLock` is cancelled a stop margin earlier
    /// (``ZooKeeperClient/Configuration/stopMargin``).
    ///
    /// The servers keep the session at least until then. Computed from when things were *asked* of a quorum, never from reads or
    /// pings: a follower cut off from the others goes on answering those long after the lock has been given away.
    public var validUntil: ContinuousClock.Instant { contender.validUntil }

    /// Whether the lease is held right now.
    public var isHeld: Bool {
        lossByNow() == nil && !isReleased
    }

    /// For inner loops: no await, no I/O; a look at the clock.
    ///
    /// - Throws: ``LockError/lost(_:_:token:)`` when the lease was lost or ``validUntil`` has passed, ``LockError/released(_:)`` after
    ///   a release.
    public func checkHeld() throws(LockError) {
        if let loss = lossByNow() { throw .lost(path, loss, token: fencingToken) }
        if isReleased { throw .released(path) }
    }

    /// Somebody asks for the lock (``DistributedLock/revoke(token:reason:)``): the latest request that has arrived. For inner loops: no await, no
    /// I/O. ``events`` tells of it as it comes.
    public var revocation: RevocationRequest? { contender.core.withLock { $0.holding?.revocation } }

    /// Asks a quorum: one write, which finds the znode of this lease or not. When this returns, the lock was held at some moment since it
    /// was called; only a ``guard(_:)`` makes that moment the one of the write it protects.
    ///
    /// - Throws: as ``checkHeld()`` does; ``LockError/cancelled(_:)``; ``LockError/session(_:)`` when there was no answer
    ///   within the client's request timeout, over however many connections.
    public func proveHeld() async throws(LockError) {
        try checkHeld()
        let result = await contender.prove()
        try checkHeld()
        guard case .failure(let failure) = result else { return }
        throw failure.code == .cancelled
            ? .cancelled(path) : .session(failure.error(operation: "check", path: node))
    }

    /// The same transaction, which commits only while this lease's znode exists: for data that is in ZooKeeper itself. The strictest
    /// protection there is: even a holder that was stopped in the middle of it cannot write late.
    ///
    /// A transaction that comes too late fails with `noNode`; the operation that failed is the last one, or for a ``MultiLock``, whose znodes are
    /// all checked, one of the last.
    ///
    /// Where the tasks of the process take turns they share the znode: that the turn has passed to another task is not noticed.
    public func `guard`(_ transaction: Transaction) -> Transaction {
        var guarded = transaction
        for node in contender.nodes { guarded.check(node) }
        return guarded
    }

    /// What happens to the lease from now on, after a ``revocation`` that was asked for before; ends with the lease. Each call gives a stream of its own.
    public var events: AsyncStream<LeaseEvent> { turn?.events() ?? contender.events() }

    /// Gives the lock to the next contender. Never fails: if the removal of the znode cannot be confirmed within a second, because
    /// the connection is lost or slow, it goes on in the background until the znode is gone or the session is. May be called any
    /// number of times, by several tasks at once; the lock is released once. Not cut short by cancellation.
    ///
    /// The lease of a nested `withLock` of a reentrant lock ends by this; the lock is held until the outermost one ends. A turn that is handed on in
    /// this process, or kept for the next one here, waits for no server.
    public func release() async {
        if let nestedRelease {
            nestedRelease.resolve(())
            return
        }
        await giveBack()
    }

    private func giveBack() async {
        // A turn is handed on in this process, or kept for the next one here; only the last one waits for the servers.
        guard let turn else { return await contender.release() }
        await turn.end()?.release()
    }
}
