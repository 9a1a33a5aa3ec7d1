extension ZooKeeperClient {
    /// Calls `handler` with the session to work in: at once, on this thread, if there is one; otherwise when the next one is open,
    /// or with the error when the client is closed.
    package func whenSession(_ handler: @escaping @Sendable (Result<Session, ZooKeeperError>) -> Void) {
        keeper.whenSession(handler)
    }

    /// Ends the current session at the server, behind the back of this client: takes the session over with a second handle and
    /// closes that. For tests; the client learns of it like of any expiry, when it reconnects.
    ///
    /// - Throws: ``ZooKeeperError`` when there is no session, or no second handle can be made.
    package func expireSession() async throws(ZooKeeperError) {
        guard let identity = keeper.currentSession?.carrier.bridge?.identity else {
            throw ZooKeeperError(.sessionExpired, operation: "expire", detail: "there is no session")
        }
        // The two handles take the session from each other; a close may get lost in that. It is over when a handle is told so.
        while true {
            let isOver = Promise<Bool>()
            let twin = try keeper.session(takingOver: identity) { twin, event in
                switch event {
                case .connected: twin.end(.closed)
                case .ended(let code): isOver.resolve(code == .sessionExpired)
                case .suspended: break
                }
            }
            await twin.closed.value()
            if await isOver.value() { return }
        }
    }
}
