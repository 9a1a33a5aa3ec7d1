import Logging
import ZooKeeper

/// How a worker connects: the same in this process and in one of its own.
struct WorkerClient: Codable, Sendable {
    var connectString: String
    var sessionTimeout: Duration
    /// Keeps log lines away where the screen is drawn on.
    var isQuiet: Bool

    func connect() async throws(ZooKeeperError) -> ZooKeeperClient {
        var configuration = ZooKeeperClient.Configuration(servers: connectString)
        configuration.sessionTimeout = sessionTimeout
        if isQuiet {
            configuration.logger = Logger(label: "fair-queue") { _ in SwiftLogNoOpLogHandler() }
        } else {
            configuration.logger.logLevel = .error
        }
        return try await ZooKeeperClient.connect(configuration)
    }

    /// Connects `count` clients at the same time, each with a session of its own.
    ///
    /// - Throws: the first error, when all that had connected are closed again.
    func connect(_ count: Int) async throws(ZooKeeperError) -> [ZooKeeperClient] {
        let results = await withTaskGroup { group in
            for _ in 0..<count {
                group.addTask { () async -> Result<ZooKeeperClient, ZooKeeperError> in
                    do throws(ZooKeeperError) { return .success(try await connect()) } catch { return .failure(error) }
                }
            }
            var results: [Result<ZooKeeperClient, ZooKeeperError>] = []
            for await result in group {
                if case .failure = result { group.cancelAll() }
                results.append(result)
            }
            return results
        }
        let clients = results.compactMap { try? $0.get() }
        for case .failure(let error) in results {
            await Self.close(clients)
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
