import Locking
import Logging
import ZooKeeper

/// What a lease asks of its contender.
extension Contender {
    /// Until when the session that the lease hangs on may be believed to live.
    var validUntil: ContinuousClock.Instant {
        let (session, granted) = core.withLock { ($0.session, $0.holding?.grantedAt) }
        // There is no lease without a session, and no grant without a proof.
        return session?.standing.validUntil?.instant ?? granted ?? .now
    }

    /// Whether the lease is over by now, whether or not anybody has been told.
    func lossByNow() -> LossReason? {
        let (loss, isReleased, session) = core.withLock { ($0.holding?.loss, $0.isReleased, $0.session) }
        if loss != nil || isReleased { return loss }
        // In inner loops, and at each turn in the process.
        if let until = session?.validUntil, Uptime.now < until { return nil }
        guard ContinuousClock.now >= validUntil else { return nil }
        // What was seen to be over stays over, for everybody.
        post(.leaseEnded(.leaseExpired))
        return state.loss ?? .leaseExpired
    }

    /// One write that a quorum agrees to, and that finds the own node. It changes nothing, so it is asked for again when the answer is lost
    /// with its connection: in the next one, if that comes within the request timeout and ahead of the lease's end.
    func prove() async -> RequestResult {
        guard let session = core.withLock({ $0.session }) else { return .failure(RequestFailure(.sessionExpired)) }
        let deadline = ContinuousClock.now + client.configuration.requestTimeout
        while true {
            let nodes = nodes
            let result = await session.perform(.commit(nodes.map { .check($0, version: nil) }), deadline: deadline)
            guard case .failure(let failure) = result else { return result }
            if failure.code == .noNode { post(.nodeGone(String(nodes[failure.failedOperation ?? 0].name))) }
            // A reader's node has taken its place.
            if failure.code == .noNode, self.nodes != nodes { continue }
            let isWorthwhile = failure.code == .connectionLost && lossByNow() == nil
            guard isWorthwhile, ContinuousClock.now < deadline else { return result }
        }
    }

    /// The znode by which it holds.
    var node: NodePath {
        core.withLock { $0.holding?.own }.map { path.appending(unchecked: $0.name) } ?? path
    }

    /// All of them, where there are several queues.
    var nodes: [NodePath] { group?.nodes ?? [node] }

    var isEnded: Bool { group?.isEnded ?? core.withLock { $0.machine.isEnded } }

    /// The writer that holds becomes a reader.
    func downgrade() async -> Result<Void, RequestFailure> {
        guard group == nil else { return .failure(RequestFailure(.invalidArgument)) }
        let promise = Promise<Result<Void, RequestFailure>>()
        let isFirst = core.withLock { core in
            let holding = core.hold()
            guard holding.downgrade == nil else { return false }
            holding.downgrade = promise
            return true
        }
        guard isFirst else { return .failure(RequestFailure(.invalidArgument, detail: "a downgrade is under way")) }
        post(.downgrade)
        return await promise.value()
    }

    func events() -> AsyncStream<LeaseEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: LeaseEvent.self)
        let (key, loss, isOver) = core.withLock { core -> (Int?, LossReason?, Bool) in
            let holding = core.hold()
            guard holding.loss == nil, !core.isReleased, !core.machine.isEnded else { return (nil, holding.loss, true) }
            // Ahead of what is told from here on.
            if let request = holding.revocation { continuation.yield(.revocationRequested(request)) }
            return (holding.listeners.add(continuation), nil, false)
        }
        if let loss { continuation.yield(.lost(loss)) }
        if isOver { continuation.finish() }
        if let key {
            continuation.onTermination = { [weak self] _ in
                self?.core.withLock { $0.holding?.listeners.remove(key) }
            }
        }
        return stream
    }

    /// Tells, ends the lease, gives the lock away: so that a holder that is alive but stuck does not block the others for ever.
    func limitHold(to limit: Duration) {
        let limit = limit.bounded
        let end = ContinuousClock.now + limit
        let timers = [
            TimerThread.shared.schedule(at: end - limit / 10) { [weak self] in
                self?.core.withLock { $0.holding?.listeners }?.tell(.holdEnds(end))
            },
            TimerThread.shared.schedule(at: end) { [weak self] in self?.post(.leaseEnded(.heldTooLong)) },
            TimerThread.shared.schedule(at: end + limit / 10) { [weak self] in
                guard let self, !isEnded, !requestRelease() else { return }
                complain(
                    "a lock was held for too long by a holder that did not stop: it is given away",
                    ["path": "\(path)", "limit": "\(limit)"])
            },
        ]
        let isOver = core.withLock { core in
            core.hold().timers = timers
            return core.isReleased
        }
        if isOver { cancelHoldTimers() }
    }

    /// The lease is lost and the body told to stop. One that goes on past the deadline may clash with the next holder's, and somebody
    /// should know.
    ///
    /// - Parameter turn: of one that the tasks of a process share.
    func watchOverrun(of turn: LocalTurn? = nil, origin: (file: String, line: Int)) {
        TimerThread.shared.schedule(at: validUntil) { [weak self] in
            guard let self, !(turn?.isReleased ?? state.isReleased) else { return }
            complain(
                "the body of a withLock goes on although its lease is over: it ignores its cancellation",
                ["path": "\(path)", "acquired": "\(origin.file):\(origin.line)"])
        }
    }

    /// A log handler may block, as on a full pipe, and the thread that ends other leases in time must not wait for that.
    func complain(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        let logger = client.configuration.logger
        DetachedThread.start("zk-log") { logger.error(message, metadata: metadata) }
    }

    func cancelHoldTimers() {
        let timers = core.withLock { core in
            defer { core.holding?.timers = [] }
            return core.holding?.timers ?? []
        }
        for timer in timers { TimerThread.shared.cancel(timer) }
    }
}
