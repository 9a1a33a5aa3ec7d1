import TestSupport
import Testing
import ZooKeeper

/// Whatever answers at the address: a clear error within the connect timeout, and a process that lives on.
///
/// In processes of their own: the other tests keep the threads of Swift's pool busy for seconds, and time is measured here.
@Suite(
    .runsInOwnProcess, .enabled(if: !Sanitizer.isOn, "times are measured, which a sanitizer changes"),
    .serialized) struct WrongPeerTests
{
    /// Their first bytes look like an agreed session to the C client.
    @Test func anotherProtocolIsNamed() async {
        await #expect(processExitsWith: .success) {
            let errors = try await WrongPeer.errors(from: [.http, .ones, .random(seed: 1), .random(seed: 2)])
            for (peer, error) in errors {
                #expect(error?.code == .notZooKeeper, "\(peer): \(String(describing: error))")
                let text = error?.description ?? ""
                #expect(text.contains("is it the right port?") && text.contains("127.0.0.1:"), "\(peer): \(text)")
            }
        }
    }

    @Test func whatNeverAnswersIsGivenUpInTime() async {
        await #expect(processExitsWith: .success) {
            let errors = try await WrongPeer.errors(from: [
                .silent, .closesAtOnce, .redis, .tls, .handshake("a session and then silence"),
                .handshake("a session and then the end", closes: true),
            ])
            for (peer, error) in errors {
                #expect(error?.code == .connectTimedOut, "\(peer): \(String(describing: error))")
                let text = error?.description ?? ""
                #expect(text.contains("TLS") && text.contains("127.0.0.1:"), "\(peer): \(text)")
                #expect(error?.isRetriable == true)
            }
        }
    }

    /// Which of the two depends on how many of the bytes arrive at once.
    @Test func theRestIsOneOrTheOther() async {
        await #expect(processExitsWith: .success) {
            let errors = try await WrongPeer.errors(from: [.ssh, .zeroes, .random(seed: 3), .random(seed: 4)])
            for (peer, error) in errors {
                let isKnown = error?.code == .notZooKeeper || error?.code == .connectTimedOut
                #expect(isKnown, "\(peer): \(String(describing: error))")
            }
        }
    }
}

private enum WrongPeer {
    static let connectTimeout = Duration.seconds(2)

    /// What comes of connecting to each of these, at the same time.
    static func errors(from peers: [FakePeer.Behaviour]) async throws -> [(String, ZooKeeperError?)] {
        try await withThrowingTaskGroup { group in
            for peer in peers { group.addTask { (peer.testDescription, try await error(from: peer)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func error(from behaviour: FakePeer.Behaviour) async throws -> ZooKeeperError? {
        try await FakePeer.with(behaviour) { peer in
            var configuration = ZooKeeperClient.Configuration.quiet(peer.connectString)
            configuration.connectTimeout = connectTimeout
            let start = ContinuousClock.now
            let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
            let elapsed = ContinuousClock.now - start
            // What was half open takes up to two seconds to close.
            #expect(elapsed < connectTimeout + .seconds(3), "\(behaviour.testDescription): \(elapsed)")
            return error
        }
    }
}
