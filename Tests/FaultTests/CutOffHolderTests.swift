import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// The lock on a member that is cut off from its peers and does not know it.
    @Suite(.alone) struct CutOffHolders {
        /// How often it is tried, as the outcome is a matter of time: `FAULT_RUNS=20` for a good look.
        private static let rounds = getenv("FAULT_RUNS").flatMap { Int(String(cString: $0)) } ?? 3

        @Test func `A holder whose follower is cut off is stopped before the leader gives the lock away`() async throws
        {
            let rounds = Self.rounds
            var random = SeededGenerator(seed: 42)
            var configuration = TestEnsemble.Configuration()
            configuration.tickTime = .milliseconds(500)
            configuration.syncLimit = 20
            let recorder = LockHistory.Recorder()
            try await PartitionableEnsemble.with(configuration: configuration) { partitionable in
                let leader = try await partitionable.ensemble.leader()
                let follower = try #require(try await partitionable.ensemble.followers().first)
                try await ZooKeeperClient.with(.quiet(leader.connectString)) { other in
                    let path = try NodePath("/lock")
                    try await other.ensureExists(path)
                    let observing = Task { try await recorder.observe(path, through: other) }
                    for round in 1...rounds {
                        let holding = ZooKeeperClient.Configuration.quiet(
                            follower.connectString, sessionTimeout: .seconds(2))
                        try await ZooKeeperClient.with(holding) { holder in
                            // A young lease as well as an old one, and any moment between two proofs.
                            let hold = Duration.seconds(2) * Double.random(in: 0...1.2, using: &random)
                            try await cutOff(round, holder, other, path, recorder) {
                                try await Task.sleep(for: hold)
                                await partitionable.isolate(follower)
                            }
                            let states = holder.states
                            await partitionable.heal()
                            _ = await first(of: states) { $0 == .connected }
                        }
                    }
                    for try await names in other.childrenChanges(of: path) where names.isEmpty { break }
                    observing.cancel()
                    _ = await observing.result
                }
            }
            // The last node may have gone after the observer did.
            var checker = HistoryChecker()
            checker.rules.remove(.orphanNode)
            let verdict = checker.verdict(on: recorder.history)
            print(verdict)
            #expect(verdict.isClean)
            #expect(verdict.grants == 2 * rounds)
            #expect(verdict.margins.count == rounds)
            #expect(verdict.margins.allSatisfy { $0.duration > .zero })
        }

        /// One holds, the other waits, and the holder's follower is cut off.
        private func cutOff(
            _ round: Int, _ holder: ZooKeeperClient, _ other: ZooKeeperClient, _ path: NodePath,
            _ recorder: LockHistory.Recorder, _ isolate: () async throws -> Void
        ) async throws {
            let (cutOff, next) = (LockHistory.Contender("cut off \(round)"), LockHistory.Contender("next \(round)"))
            let (grants, granted) = AsyncStream.makeStream(of: Void.self)
            let (places, placed) = AsyncStream.makeStream(of: Void.self)
            let held = Task {
                recorder.record(.asked(cutOff))
                try await holder.lock(path.string).withLock { lease in
                    recorder.record(.entered(cutOff, node: lease.node, czxid: lease.fencingToken.rawValue))
                    recorder.record(.granted(cutOff, token: lease.fencingToken, validUntil: lease.validUntil))
                    granted.yield()
                    await withTaskCancellationHandler {
                        while !Task.isCancelled {
                            try? await Task.sleep(for: .milliseconds(10))
                            recorder.record(.renewed(cutOff, validUntil: lease.validUntil))
                        }
                    } onCancel: {
                        recorder.record(.cancelled(cutOff))
                    }
                    recorder.record(.bodyEnded(cutOff))
                }
            }
            _ = await grants.first { _ in true }
            let waiting = Task {
                recorder.record(.asked(next))
                let lease = try await other.lock(path.string).acquire(
                    onPosition: {
                        recorder.record(.entered(next, node: $0.node, czxid: $0.fencingToken.rawValue))
                        placed.yield()
                    })
                recorder.record(.granted(next, token: lease.fencingToken, validUntil: lease.validUntil))
                recorder.record(.bodyEnded(next))
                recorder.record(.released(next))
                await lease.release()
            }
            _ = await places.first { _ in true }
            try await isolate()
            try await waiting.value
            let error = await #expect(throws: LockError.self) { try await held.value }
            guard case .lost = error else {
                Issue.record("\(String(describing: error)) instead of lost")
                return
            }
        }
    }
}
