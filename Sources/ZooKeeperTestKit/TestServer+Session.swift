public import ZooKeeper

extension TestServer {
    /// Ends the current session of `client` at the server, as if the ensemble had heard nothing from it for its timeout. The
    /// client learns of it like of any expiry, when it reconnects a moment later.
    ///
    /// - Throws: ``ZooKeeperError`` when the client has no session now.
    public func expireSession(of client: ZooKeeperClient) async throws(ZooKeeperError) {
        try await client.expireSession()
    }
}
