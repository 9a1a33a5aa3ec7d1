import Locking
import Logging
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// One server for all tests that do not harm it; each works below a root of its own. It ends with the process.
enum SharedServer {
    static let server = Task { try await start() }

    private static func start() async throws -> TestServer {
        let (servers, continuation) = AsyncThrowingStream.makeStream(of: TestServer.self)
        Task {
            do {
                try await TestServer.with { server in
                    continuation.yield(server)
                    // Until the process ends; the server's guardian sees to the rest.
                    await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
                }
            } catch {
                continuation.finish(throwing: error)
            }
        }
        for try await server in servers { return server }
        throw CancellationError()
    }

    private static let roots = Locked(0)

    /// Runs `body` with a configuration whose root is an empty znode of its own.
    @discardableResult
    static func withRoot<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ZooKeeperClient.Configuration) async throws -> sending R
    ) async throws -> sending R {
        let server = try await server.value
        let number = roots.withLock { number in
            number += 1
            return number
        }
        let root = try NodePath("/test-\(number)")
        _ = try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
            try await client.create(root)
        }
        return try await body(.quiet(server.connectString + root.string))
    }

    /// Runs `body` with a client whose root is an empty znode of its own.
    @discardableResult
    static func withClient<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ZooKeeperClient) async throws -> sending R
    ) async throws -> sending R {
        try await withRoot { configuration in
            try await ZooKeeperClient.with(configuration) { client in try await body(client) }
        }
    }
}
