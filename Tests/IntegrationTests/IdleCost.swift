import Logging
import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeper

/// Measures what clients cost while nothing can be done.
enum IdleCost {
    /// The first lines come in a burst.
    static let settling = Duration.seconds(1)
    static let span = Duration.seconds(3)

    /// Clients that try to connect to all of these, at the same time.
    static func measure(
        _ servers: [String], _ peers: [FakePeer.Behaviour], connections limit: Int = .max
    ) async throws {
        guard let peer = peers.first else {
            return try await measure(servers)
        }
        try await FakePeer.with(peer) {
            try await measure(servers + [$0.connectString], Array(peers.dropFirst()), connections: limit)
            #expect($0.connections <= limit, "\($0.connections) connections to the peer: \(peer.testDescription)")
        }
    }

    private static func measure(_ servers: [String]) async throws {
        let recorders = servers.map { _ in Recorder<String>() }
        var keepers: [SessionKeeper] = []
        for (servers, lines) in zip(servers, recorders) {
            let configuration = configuration(servers, lines)
            keepers.append(SessionKeeper(configuration, try configuration.checked()))
        }
        try await expectQuiet(recorders)
        for keeper in keepers { keeper.close() }
        for keeper in keepers { await keeper.finished.value() }
    }

    /// A client that was connected, and whose server then has an accident.
    ///
    /// - Parameter peer: what listens on the server's port afterwards.
    static func measure(
        connectedTo server: TestServer, andThen peer: FakePeer.Behaviour? = nil, _ accident: () async throws -> Void
    ) async throws {
        let lines = Recorder<String>()
        let client = try await ZooKeeperClient.connect(configuration(server.connectString, lines))
        let watch = try await client.existsAndWatch(NodePath("/w")).watch
        let waiter = Task { try await watch.event() }
        try await accident()
        let request = Task { try await client.get(.root) }
        if let peer {
            try await FakePeer.with(peer, port: server.port) { peer in
                try await expectQuiet([lines])
                #expect(peer.connections > 0)
                #expect(client.state == .connecting)
            }
        } else {
            try await expectQuiet([lines])
            #expect(client.state == .suspended)
        }
        await client.close()
        _ = await (waiter.result, request.result)
    }

    private static func configuration(_ servers: String, _ lines: Recorder<String>) -> ZooKeeperClient.Configuration {
        var configuration = ZooKeeperClient.Configuration(servers: servers).with(sessionTimeout: .seconds(4))
        configuration.logger = Logger(label: "test") { _ in RecordingLogHandler(lines) }
        return configuration
    }

    private static func expectQuiet(_ recorders: [Recorder<String>]) async throws {
        // Time has to pass here: what is measured is what happens meanwhile.
        try await Task.sleep(for: settling)
        let lines = recorders.map { $0.all.count }
        let start = OwnProcess.cpuTime
        try await Task.sleep(for: span)
        let share = (OwnProcess.cpuTime - start) / span
        let logged = zip(recorders, lines).map { Double($0.all.count - $1) / (span / .seconds(1)) }
        #expect(share < 0.05, "\(share * 100) % of a core")
        #expect(logged.allSatisfy { $0 < 10 }, "\(logged) lines a second")
    }
}
