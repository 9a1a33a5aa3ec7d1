import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Who waited until the lease of its entry was nearly over, as nobody proves anything for those who are not next in line.
@Suite(.weighty) struct LateGrantTests {
    private static let timeout = Duration.seconds(4)

    /// One who is next in line for `armed` before the lock is its own, after a wait of `waited` in all.
    private struct Case: Hashable {
        var waited: Duration
        var armed: Duration
    }

    @Test(.enabled(if: !Sanitizer.isOn, "a sanitizer makes every thread late"))
    func aLeaseThatIsNearlyOverWhenItIsGrantedIsExtended() async throws {
        let cases = stride(from: 0.5, through: 0.95, by: 0.05).flatMap { waited in
            [0, 0.1, 0.15].map { Case(waited: Self.timeout * waited, armed: Self.timeout * $0) }
        }
        try await TestServer.with { server in
            let configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
            try await ZooKeeperClient.with(configuration) { others in
                let lost = try await withThrowingTaskGroup { group in
                    for (number, example) in cases.enumerated() {
                        group.addTask {
                            // Spread out: they are not to make each other late.
                            try await Task.sleep(for: .milliseconds(20) * number)
                            let waiting = configuration.with(sessionTimeout: Self.timeout)
                            return try await ZooKeeperClient.with(waiting) { waiter in
                                let isLost = try await isLost(waiter, behind: others, "/lock-\(number)", example)
                                return isLost ? example : nil
                            }
                        }
                    }
                    return try await group.reduce(into: [Case]()) { lost, example in
                        if let example { lost.append(example) }
                    }
                }
                #expect(lost == [])
            }
        }
    }

    /// Two of another session are in front: the second gets the lock after a while, and ends soon.
    private func isLost(
        _ waiter: ZooKeeperClient, behind others: ZooKeeperClient, _ path: String, _ example: Case
    ) async throws -> Bool {
        let first = try await others.lock(path).acquire()
        let second = Task { try await others.lock(path).acquire() }
        try await untilChildren(of: try others.lock(path), count: 2)
        let entered = ContinuousClock.now
        let third = Task { try await waiter.lock(path).acquire() }
        try await Task.sleep(until: entered + example.waited - example.armed, clock: .continuous)
        await first.release()
        let predecessor = try await second.value
        try await Task.sleep(until: entered + example.waited, clock: .continuous)
        await predecessor.release()
        let lease = try await third.value
        try await Task.sleep(for: Self.timeout)
        defer { Task { await lease.release() } }
        return !lease.isHeld
    }
}
