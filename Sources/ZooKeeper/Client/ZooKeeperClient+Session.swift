extension ZooKeeperClient {
    /// Calls `handler` with the session to work in: at once, on this thread, if there is one; otherwise when the next one is open,
    /// or with the error when the client is closed.
    package func whenSession(_ handler: @escaping @Sendable (Result<Session, ZooKeeperError>) -> Void) {
        keeper.whenSession(handler)
    }
}
