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

extension ZooKeeperClient.Configuration {
    static func quiet(_ servers: String) -> Self {
        var configuration = Self(servers: servers)
        configuration.logger.logLevel = .critical
        return configuration
    }

    /// For servers that restart: one that is just coming up may take a connection and never answer on it, which the C client
    /// gives up after two thirds of the session timeout. What is left has to do for the next attempt.
    static func brief(_ servers: String) -> Self {
        quiet(servers).with(sessionTimeout: .seconds(9))
    }

    func with(sessionTimeout: Duration) -> Self {
        var configuration = self
        configuration.sessionTimeout = sessionTimeout
        return configuration
    }
}

/// The first element that `condition` holds for.
func first<S: AsyncSequence<E, Never> & Sendable, E: Sendable>(of sequence: S, where condition: (E) -> Bool) async -> E?
{
    for await element in sequence where condition(element) { return element }
    return nil
}

/// Collects what happens in many tasks.
final class Recorder<Element: Sendable>: Sendable {
    private let elements = Locked<[Element]>([])

    /// Says how many there are now.
    @discardableResult
    func append(_ element: Element) -> Int {
        elements.withLock { elements in
            elements.append(element)
            return elements.count
        }
    }

    func removeAll() {
        elements.withLock { $0 = [] }
    }

    var all: [Element] { elements.withLock { $0 } }
}

extension LockError {
    /// The error of the client that is behind this one.
    var session: ZooKeeperError? {
        if case .session(let error) = self { error } else { nil }
    }
}
