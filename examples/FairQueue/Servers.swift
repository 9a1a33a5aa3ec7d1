import ZooKeeperTestKit

/// Which servers a run uses.
enum Servers: Sendable {
    /// A server of its own, thrown away afterwards.
    case embedded
    /// Somebody's ensemble.
    case given(connectString: String, tickTime: Duration)

    /// Servers that are up, as far as is known.
    struct Running: Sendable {
        var connectString: String
        var tickTime: Duration
    }

    /// Runs `body` with the servers up, and takes down afterwards what was started here.
    func with<R: Sendable>(_ body: (Running) async throws -> R) async throws -> R {
        switch self {
        case .embedded:
            try await TestServer.with { server in
                try await body(Running(connectString: server.connectString, tickTime: server.tickTime))
            }
        case .given(let connectString, let tickTime):
            try await body(Running(connectString: connectString, tickTime: tickTime))
        }
    }

    /// Short with a server of our own, so that nobody waits long for the end of a crashed session; else that of the
    /// client.
    var sessionTimeout: Duration {
        switch self {
        case .embedded: .seconds(3)
        case .given: .seconds(10)
        }
    }

    /// The tick of servers as they are shipped.
    static let usualTickTime = Duration.seconds(2)
}
