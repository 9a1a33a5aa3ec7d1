import ZooKeeper

/// Opened when first asked for, and kept.
actor Sessions {
    private let servers: [String]
    private let timeout: Duration
    private var clients: [ZooKeeperClient] = []

    init(servers: [String], timeout: Duration) {
        self.servers = servers
        self.timeout = timeout
    }

    /// The first so many. Each has one server to itself, so that all contenders' sessions are spread in the same way.
    func first(_ count: Int) async throws -> [ZooKeeperClient] {
        while clients.count < count {
            var configuration = ZooKeeperClient.Configuration(servers: servers[clients.count % servers.count])
            configuration.sessionTimeout = timeout
            configuration.logger.logLevel = .error
            clients.append(try await ZooKeeperClient.connect(configuration))
        }
        return Array(clients.prefix(count))
    }

    func close() async {
        for client in clients { await client.close() }
    }
}
