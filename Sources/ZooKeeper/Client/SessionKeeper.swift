import Locking
import Logging

/// Keeps a client in sessions: opens the first, follows an expired one with the next, and tells the state of all that.
final class SessionKeeper: Sendable {
    typealias Waiter = (place: UInt64, handler: @Sendable (Result<Session, ZooKeeperError>) -> Void)

    struct Core {
        var servers: ConnectString
        var session: Session?
        /// What each new session is told first.
        var credentials: [Credential]
        /// Who waits for a session to submit to, in order.
        var waiting: [Waiter] = []
        var places: UInt64 = 0
        /// The session in which a server has answered the first request.
        var proven: Session?
        /// A session is being made: resolved with it, or with `nil`.
        var opening: Promise<Session?>?
        /// How many connections in a row were lost before a server answered.
        var lostConnections = 0
        /// How many sessions in a row ended before a server answered in one.
        var refusals = 0
        /// Sessions that are over, but whose threads may still run.
        var ending: [Session] = []
    }

    let configuration: ZooKeeperClient.Configuration
    /// Makes what carries each session; `nil` for the C client.
    private let makeTransport: (@Sendable () -> any Transport)?
    let core: Locked<Core>
    let broadcast = StateBroadcast()
    let logOutlet: LogOutlet
    /// Whether the first connection came about.
    let first = Promise<Result<Void, ZooKeeperError>>()
    /// Resolved when the client is closed and the last of its threads is gone.
    let finished = Promise<Void>()

    init(
        _ configuration: ZooKeeperClient.Configuration,
        _ servers: ConnectString,
        makeTransport: (@Sendable () -> any Transport)? = nil
    ) {
        self.configuration = configuration
        logOutlet = LogOutlet(configuration.logger)
        self.makeTransport = makeTransport
        core = Locked(Core(servers: servers, credentials: configuration.credentials))
        DetachedThread.start("zk-open") { self.open(retryAfter: .milliseconds(100)) }
    }

    var logger: Logger { configuration.logger }
    /// The members that are connected to, and the root.
    var servers: ConnectString { core.withLock { $0.servers } }

    // MARK: Sessions

    /// The session to submit to, if there is one now.
    var currentSession: Session? { core.withLock { $0.session } }

    /// The session to submit to. Between two sessions this waits for the next one, until `deadline`.
    func session(_ operation: String, until deadline: ContinuousClock.Instant) async throws(ZooKeeperError) -> Session {
        if let session = currentSession { return session }
        let next = Promise<Result<Session, ZooKeeperError>>()
        let place = whenSession { next.resolve($0) }
        let timer = TimerThread.shared.schedule(at: deadline) {
            next.resolve(
                .failure(ZooKeeperError(.requestTimedOut, operation: operation, detail: "there was no session")))
        }
        defer {
            TimerThread.shared.cancel(timer)
            if let place { core.withLock { $0.waiting.removeAll { $0.place == place } } }
        }
        guard let result = await next.valueUnlessCancelled() else {
            throw ZooKeeperError(.cancelled, operation: operation)
        }
        do {
            return try result.get()
        } catch {
            var error = error
            error.operation = operation
            throw error
        }
    }

    /// Calls `handler` with a session to submit to, at once if there is one.
    ///
    /// - Returns: its place among those who wait; `nil` when it was called.
    @discardableResult
    func whenSession(_ handler: @escaping @Sendable (Result<Session, ZooKeeperError>) -> Void) -> UInt64? {
        let (now, place) = core.withLock { core -> (Result<Session, ZooKeeperError>?, UInt64?) in
            if let session = core.session { return (.success(session), nil) }
            if broadcast.state == .closed { return (.failure(ZooKeeperError(.closed, operation: "connect")), nil) }
            core.places += 1
            core.waiting.append((core.places, handler))
            return (nil, core.places)
        }
        if let now { handler(now) }
        return place
    }

    /// Opens a session; again, ever more slowly, if that is not possible now. Blocks: on a thread of its own.
    func open(retryAfter pause: Duration) {
        let opening = Promise<Session?>()
        do throws(ZooKeeperError) {
            let servers = servers
            let carrier = try carrier(servers)
            let isWanted = core.withLock { core in
                guard broadcast.state != .closed else { return false }
                core.opening = opening
                return true
            }
            guard isWanted else { return carrier.close() }
            let session = try Session(
                over: carrier, chroot: servers.chroot, timeout: configuration.sessionTimeout,
                credentials: core.withLock { $0.credentials }, lease: configuration.leaseSettings, logger: logger
            ) { [weak self] session, event in
                self?.sessionChanged(session, event)
            }
            adopt(session)
            opening.resolve(session)
            // They may have been changed meanwhile, which then was nobody's to hear.
            if self.servers != servers { session.carrier.bridge?.setHosts(resolve(self.servers).list) }
            lookAgain(session, epoch: 0)
        } catch {
            opening.resolve(nil)
            logger.error("no session", metadata: ["error": "\(error)"])
            failFirst(error)
            retry(after: pause)
        }
    }

    private func carrier(_ servers: ConnectString) throws(ZooKeeperError) -> Carrier {
        if let makeTransport { return .other(makeTransport()) }
        let answer = resolve(servers)
        guard !answer.addresses.isEmpty else {
            throw ZooKeeperError(.hostNotFound, operation: "connect", detail: answer.reasons)
        }
        return .bridge(try bridge(answer))
    }

    func retry(after pause: Duration) {
        guard broadcast.state != .closed else { return }
        TimerThread.shared.schedule(at: .now + pause) { [weak self] in
            guard let self else { return }
            DetachedThread.start("zk-open") { self.open(retryAfter: min(pause * 2, .seconds(5))) }
        }
    }

    /// Sessions to come are told this too.
    func remember(_ credential: Credential) {
        core.withLock { core in
            if !core.credentials.contains(credential) { core.credentials.append(credential) }
        }
    }

    /// The session may have had its first events already, or even have ended.
    func adopt(_ session: Session) {
        let waiting = core.withLock { core -> [Waiter]? in
            guard broadcast.state != .closed else { return nil }
            if case .ended = session.link { return nil }
            core.session = session
            defer { core.waiting = [] }
            return core.waiting
        }
        if let waiting {
            for (_, handler) in waiting { handler(.success(session)) }
        } else if broadcast.state == .closed {
            session.end(.closed)
        }
    }

    private func sessionChanged(_ session: Session, _ event: Session.Event) {
        switch event {
        case .connected(let epoch):
            if epoch == 1, session.timeout > configuration.sessionTimeout {
                logger.warning(
                    """
                    the servers raised the session timeout: it is probably two of their ticks, the least they allow; what a lease \
                    rests on is then at its tightest
                    """,
                    metadata: ["asked": "\(configuration.sessionTimeout)", "agreed": "\(session.timeout)"])
            }
            let isProven = core.withLock { $0.proven === session }
            isProven ? advance(to: .connected, session) : probe(session, epoch: epoch)
        case .suspended:
            advance(to: .suspended, session)
            // The C client connects again at once to a peer that agrees to a session and hangs up, hundreds of times a second.
            isFutile(session) ? session.end(.sessionExpired) : lookAgain(session, epoch: session.epoch)
        case .ended(let code): ended(session, code)
        }
    }

    // MARK: Connecting and closing

    /// Waits for the first good answer of a server, for as long as the configuration allows.
    func firstConnection() async throws(ZooKeeperError) {
        let timer = TimerThread.shared.schedule(at: .now + configuration.connectTimeout) { [weak self] in
            guard let self else { return }
            failFirst(
                ZooKeeperError(
                    .connectTimedOut, operation: "connect",
                    detail: """
                        no server of \(servers) answered within \(configuration.connectTimeout); is one running there and part of \
                        a quorum, does it expect TLS, is its limit of connections reached?
                        """))
        }
        defer { TimerThread.shared.cancel(timer) }
        guard let result = await first.valueUnlessCancelled() else {
            throw ZooKeeperError(.cancelled, operation: "connect")
        }
        try result.get()
    }

    func failFirst(_ error: ZooKeeperError) {
        first.resolve(.failure(error))
    }

    func close() {
        guard broadcast.publish(.closed) else { return }
        let (session, waiting, opening, ending) = core.withLock { core in
            let session = core.session
            let waiting = core.waiting
            core.waiting = []
            core.session = nil
            core.proven = nil
            return (session, waiting, core.opening, core.ending + (session.map { [$0] } ?? []))
        }
        let error = ZooKeeperError(.closed, operation: "connect")
        failFirst(error)
        for (_, handler) in waiting { handler(.failure(error)) }
        session?.end(.closed)
        let finished = finished
        Task {
            // One that was being made meanwhile is ended as soon as it is there.
            if let session = await opening?.value() { await session.closed.value() }
            for session in ending { await session.closed.value() }
            finished.resolve(())
        }
    }

    /// The state changed, if it is this session that counts.
    func advance(to state: SessionState, _ session: Session) {
        let counts = core.withLock { core in
            // Events may overtake the adoption of a session that was just opened.
            core.session === session || core.session == nil
        }
        if counts { broadcast.publish(state) }
    }
}
