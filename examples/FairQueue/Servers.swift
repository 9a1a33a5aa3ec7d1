import ZooKeeperFaultKit
import ZooKeeperTestKit

/// Which servers a run uses.
enum Servers: Sendable {
    /// A server of its own, thrown away afterwards.
    case embedded
    /// An ensemble of its own, thrown away afterwards.
    case ensemble
    /// The same, with members that can be cut off from each other, and that take long to notice it.
    case partitionable
    /// Somebody's ensemble.
    case given(connectString: String, tickTime: Duration)

    /// Servers that are up, as far as is known.
    struct Running: Sendable {
        var connectString: String
        var tickTime: Duration
        /// Where it is one of our own.
        var ensemble: TestEnsemble?
        /// Where that can be partitioned.
        var partitionable: PartitionableEnsemble?
    }

    /// How many are started for the run.
    var ownCount: Int {
        switch self {
        case .embedded: 1
        case .ensemble, .partitionable: 3
        case .given: 0
        }
    }

    /// Runs `body` with the servers up, and takes down afterwards what was started here.
    func with<R: Sendable>(_ body: (Running) async throws -> R) async throws -> R {
        switch self {
        case .embedded:
            try await TestServer.with { server in
                try await body(Running(connectString: server.connectString, tickTime: server.tickTime))
            }
        case .ensemble:
            try await TestEnsemble.with(ownCount) { ensemble in
                try await body(
                    Running(
                        connectString: ensemble.connectString,
                        tickTime: ensemble.tickTime,
                        ensemble: ensemble
                    )
                )
            }
        case .partitionable:
            try await PartitionableEnsemble.with(ownCount, configuration: Partition.configuration) { partitionable in
                let ensemble = partitionable.ensemble
                return try await body(
                    Running(
                        connectString: ensemble.connectString,
                        tickTime: ensemble.tickTime,
                        ensemble: ensemble,
                        partitionable: partitionable
                    )
                )
            }
        case .given(let connectString, let tickTime):
            try await body(Running(connectString: connectString, tickTime: tickTime))
        }
    }

    /// Short with a server of our own, so that nobody waits long for the end of a crashed session; longer with an ensemble,
    /// so that sessions outlive an election, and a first attempt to reconnect that fails slowly; short for a partition, which
    /// nobody is to notice before they end; else that of the client.
    var sessionTimeout: Duration {
        switch self {
        case .embedded: .seconds(3)
        case .ensemble: .seconds(6)
        case .partitionable: Partition.sessionTimeouts.lowerBound
        case .given: .seconds(10)
        }
    }

    /// The tick of servers as they are shipped.
    static let usualTickTime = Duration.seconds(2)
}
