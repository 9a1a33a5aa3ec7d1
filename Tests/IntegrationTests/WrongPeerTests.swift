import Testing
import ZooKeeper

/// Whatever answers at the address: a clear error within the connect timeout, and a process that lives on.
@Suite(.timeLimit(.minutes(2))) struct WrongPeerTests {
    static let connectTimeout = Duration.seconds(2)

    /// Those whose first bytes look like an agreed session to the C client, and those that never get so far.
    static let recognized: [FakePeer.Behaviour] = [.http, .ones, .random(seed: 1), .random(seed: 2)]
    static let useless: [FakePeer.Behaviour] = [
        .silent, .closesAtOnce, .redis, .tls, .handshake("a session and then silence"),
        .handshake("a session and then the end", closes: true),
    ]

    @Test(arguments: recognized) func isNamedAsNoZooKeeper(peer: FakePeer.Behaviour) async throws {
        let error = try await error(from: peer)
        #expect(error?.code == .notZooKeeper)
        #expect(error?.detail.contains("is it the right port?") == true, "\(error?.detail ?? "")")
        #expect(error?.detail.contains("127.0.0.1:") == true)
    }

    @Test(arguments: useless) func isGivenUpInTime(peer: FakePeer.Behaviour) async throws {
        let error = try await error(from: peer)
        #expect(error?.code == .connectTimedOut)
        #expect(error?.detail.contains("TLS") == true, "\(error?.detail ?? "")")
        #expect(error?.isRetriable == true)
    }

    /// Which of the two depends on how many of the bytes arrive at once.
    @Test(arguments: [FakePeer.Behaviour.ssh, .zeroes, .random(seed: 3), .random(seed: 4)])
    func isOneOrTheOther(peer: FakePeer.Behaviour) async throws {
        let code = try await error(from: peer)?.code
        #expect(code == .notZooKeeper || code == .connectTimedOut)
    }

    private func error(from behaviour: FakePeer.Behaviour) async throws -> ZooKeeperError? {
        try await FakePeer.with(behaviour) { peer in
            var configuration = ZooKeeperClient.Configuration.quiet(peer.connectString)
            configuration.connectTimeout = Self.connectTimeout
            let start = ContinuousClock.now
            let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
            let elapsed = ContinuousClock.now - start
            print("PEER", behaviour.testDescription, elapsed, error?.description ?? "")
            // What was half open takes up to two seconds to close.
            #expect(elapsed < Self.connectTimeout + .seconds(3), "\(elapsed)")
            return error
        }
    }
}
