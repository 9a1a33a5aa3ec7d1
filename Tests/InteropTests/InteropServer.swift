import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// One server for all tests of a suite, and the table of what they found at its end.
struct InteropServer: SuiteTrait, TestScoping {
    @TaskLocal static var current: TestServer?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Programs.requireBuilt()
        try await TestServer.with { server in
            try await Self.$current.withValue(server) { try await function() }
        }
        try InteropTable.finish()
    }

    /// Runs `body` with a client of the server of the suite.
    static func withClient<R: Sendable>(
        _ body: @Sendable (TestServer, ZooKeeperClient) async throws -> R
    ) async throws -> R {
        let server = try #require(current)
        return try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
            try await body(server, client)
        }
    }
}
