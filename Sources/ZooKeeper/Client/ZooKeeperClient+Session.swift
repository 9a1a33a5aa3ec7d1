extension ZooKeeperClient {
    /// Calls `handler` with the session to work in: at once, on this thread, if there is one; otherwise when the next one is open,
    /// or with the error when the client is closed.
    package func whenSession(_ handler: @escaping @Sendable (Result<Session, ZooKeeperError>) -> Void) {
        keeper.whenSession(handler)
    }

    /// The data of a znode, if it can be had in that time.
    package func data(of path: NodePath, within limit: Duration) async -> [UInt8]? {
        guard let session = keeper.currentSession, session.link == .connected,
            case .success(.data(let data, _)) = await session.perform(.get(path, watch: nil), deadline: .now + limit)
        else { return nil }
        return data
    }

    /// Ends the current session at the server, behind the back of this client: takes the session over with a second handle and
    /// closes that. For tests; the client learns of it like of any expiry, when it reconnects.
    ///
    /// - Throws: ``ZooKeeperError`` when there is no session, no second handle can be made, or the ensemble does not answer in time;
    ///   `cancelled` when the calling task is cancelled.
    package func expireSession() async throws(ZooKeeperError) {
        guard let session = keeper.currentSession, let bridge = session.carrier.bridge, let identity = bridge.identity
        else {
            throw ZooKeeperError(.sessionExpired, operation: "expire", detail: "there is no session")
        }
        let deadline = ContinuousClock.now + .seconds(30)
        // Two handles would take the session from each other, and the close would get lost in that. So this one is sent away for
        // the time, and is gone when the session ends: nothing of that end reaches it.
        let hosts = bridge.setHosts("127.0.0.1:1")
        defer { bridge.setHosts(hosts) }
        // The C client drops the connection without telling anybody.
        let patience = ContinuousClock.now + .seconds(2)
        while bridge.isConnected, ContinuousClock.now < patience { try? await Task.sleep(for: .milliseconds(1)) }
        while ContinuousClock.now < deadline {
            if case .ended = session.link { return }
            if Task.isCancelled { throw ZooKeeperError(.cancelled, operation: "expire") }
            let isOver = Promise<Bool>()
            let twin = try keeper.session(takingOver: identity) { twin, event in
                switch event {
                case .connected: twin.end(.closed)
                case .ended(let code): isOver.resolve(code == .sessionExpired)
                case .suspended: break
                }
            }
            TimerThread.shared.schedule(at: deadline) { [weak twin] in twin?.end(.requestTimedOut) }
            await twin.closed.value()
            if await isOver.value() { return }
        }
        throw ZooKeeperError(.requestTimedOut, operation: "expire", detail: "the ensemble did not answer")
    }
}
