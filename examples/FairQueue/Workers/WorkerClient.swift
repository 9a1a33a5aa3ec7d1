import Logging
import ZooKeeper

/// How a worker connects: the same in this process and in one of its own.
struct WorkerClient: Codable, Sendable {
    var connectString: String
    var sessionTimeout: Duration
    /// Keeps log lines away where the screen is drawn on.
    var isQuiet: Bool

    /// The same with other servers.
    func connecting(to servers: String) -> WorkerClient {
        var copy = self
        copy.connectString = servers
        return copy
    }

    func connect() async throws(ZooKeeperError) -> ZooKeeperClient {
        try await ZooKeeperClient.connect(configuration)
    }

    var configuration: ZooKeeperClient.Configuration {
        var configuration = ZooKeeperClient.Configuration(servers: connectString)
        configuration.sessionTimeout = sessionTimeout
        if isQuiet {
            configuration.logger = Logger(label: "fair-queue") { _ in SwiftLogNoOpLogHandler() }
        } else {
            configuration.logger.logLevel = .error
        }
        return configuration
    }

    /// Connects them at the same time, each with a session of its own.
    ///
    /// - Returns: the clients, in the same order.
    /// - Throws: the first error, when all that had connected are closed again.
    static func connect(_ ways: [WorkerClient]) async throws(ZooKeeperError) -> [ZooKeeperClient] {
        let results = await withTaskGroup { group in
            for (index, way) in ways.enumerated() {
                group.addTask { () async -> (Int, Result<ZooKeeperClient, ZooKeeperError>) in
                    do throws(ZooKeeperError) {
                        return (index, .success(try await way.connect()))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(index: Int, result: Result<ZooKeeperClient, ZooKeeperError>)] = []
            for await (index, result) in group {
                if case .failure = result { group.cancelAll() }
                results.append((index, result))
            }
            return results
        }
        let clients = results.sorted { $0.index < $1.index }.compactMap { try? $0.result.get() }
        for case (_, .failure(let error)) in results {
            await close(clients)
            throw error
        }
        return clients
    }

    /// Closes all of them at the same time.
    static func close(_ clients: [ZooKeeperClient]) async {
        await withTaskGroup { group in
            for client in clients { group.addTask { await client.close() } }
        }
    }
}
