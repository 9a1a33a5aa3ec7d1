import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// A lock that may be asked for inside itself, on the shared server.
enum Reentrant {
    static let options: DistributedLock.Options = {
        var options = DistributedLock.Options()
        options.isReentrant = true
        return options
    }()

    static func withLock(_ body: (DistributedLock) async throws -> Void) async throws {
        try await SharedServer.withClient { client in
            try await body(try client.lock("/lock", options: options))
            try await expectNobodyLeft(at: NodePath("/lock"), client)
        }
    }
}

/// Counts who is in at the same time.
final class Room: Sendable {
    private let state = Locked((now: 0, most: 0))

    func stay() async {
        state.withLock { state in
            state.now += 1
            state.most = max(state.most, state.now)
        }
        for _ in 0..<20 { await Task.yield() }
        try? await Task.sleep(for: .milliseconds(2))
        state.withLock { $0.now -= 1 }
    }

    var most: Int { state.withLock { $0.most } }
}
