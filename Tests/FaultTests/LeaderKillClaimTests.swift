import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// The leader of a real ensemble is killed while batches are handed out and results computed.
    @Suite struct LeaderKills {
        /// Refuses a token smaller than the largest it has seen of that item, and counts how often each was finished.
        private actor Store {
            private var tokens: [String: FencingToken] = [:]
            private var counts: [String: Int] = [:]

            var finished: Set<String> { Set(counts.keys) }
            var counted: [Int] { Array(counts.values) }

            func begin(_ item: ClaimedItem) -> Bool {
                guard item.fencingToken >= tokens[item.id] ?? item.fencingToken else { return false }
                tokens[item.id] = item.fencingToken
                return counts[item.id] == nil
            }

            func finish(_ item: ClaimedItem) {
                guard tokens[item.id] == item.fencingToken else { return }
                counts[item.id, default: 0] += 1
            }
        }

        private static let items = (0..<400).map { "row-\($0)" }

        @Test func `Each item is finished once although the leader is killed`() async throws {
            try await TestEnsemble.with { ensemble in
                let store = Store()
                var configuration = ZooKeeperClient.Configuration.brief(ensemble.connectString)
                configuration.requestTimeout = .seconds(20)
                let settings = configuration
                let failures = Counter()
                try await withThrowingTaskGroup { group in
                    for _ in 0..<3 {
                        group.addTask {
                            try await ZooKeeperClient.with(settings) { client in
                                try await Self.work(client, store, failures)
                            }
                        }
                    }
                    // Beside the workers: if one of them fails, so does all of this.
                    group.addTask {
                        while await store.finished.count < Self.items.count / 4 {
                            try await Task.sleep(for: .milliseconds(10))
                        }
                        try await ensemble.leader().kill()
                    }
                    try await group.waitForAll()
                }
                #expect(await store.counted == Array(repeating: 1, count: Self.items.count))
                print("\(Self.items.count) items over a change of the leader; \(failures.value) claims failed")
                try await ZooKeeperClient.with(settings) { client in
                    let jobs = try client.batchClaim("/jobs")
                    let left = try await jobs.entries()
                    #expect(left.allSatisfy { !$0.isHeld })
                    // Only a session that ended leaves records.
                    if failures.value == 0 { #expect(left.isEmpty) }
                }
            }
        }

        private static func work(_ client: ZooKeeperClient, _ store: Store, _ failures: Counter) async throws {
            let jobs = try client.batchClaim("/jobs")
            while true {
                let finished = await store.finished
                let rest = items.filter { !finished.contains($0) }
                if rest.isEmpty { return }
                let batch: ClaimedBatch
                do {
                    batch = try await jobs.claim(rest, upTo: 15)
                } catch {
                    guard error.session?.isRetriable == true else { throw error }
                    failures.add()
                    continue
                }
                for item in batch.items where await store.begin(item) {
                    try await Task.sleep(for: .milliseconds(5))
                    guard (try? batch.checkHeld(item.id)) != nil else { break }
                    await store.finish(item)
                    await batch.release(item.id)
                }
                if !batch.isEmpty, !batch.isHeld, !batch.remaining.isEmpty { failures.add() }
                await batch.release()
                if batch.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            }
        }

        @Test func `One result is computed although the leader is killed`() async throws {
            try await TestEnsemble.with { ensemble in
                let configuration = ZooKeeperClient.Configuration.brief(ensemble.connectString)
                let runs = Counter()
                let results = Recorder<[UInt8]>()
                try await withThrowingTaskGroup { group in
                    for _ in 0..<6 {
                        group.addTask {
                            try await ZooKeeperClient.with(configuration) { client in
                                results.append(try await Self.ask(client, ensemble, runs))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                print("\(results.all.count) results over a change of the leader, \(runs.value) computation")
                #expect(results.all.count == 6)
                #expect(Set(results.all).count == 1)
            }
        }

        /// Where the new leader takes longer than a lease lasts, whoever computed asks again.
        private static func ask(
            _ client: ZooKeeperClient, _ ensemble: TestEnsemble, _ runs: Counter
        ) async throws -> [UInt8] {
            while true {
                do {
                    return try await client.runOnce("/cache").value { _ in
                        let run = runs.add()
                        if run == 1 { try await ensemble.leader().kill() }
                        return [UInt8(run)]
                    }
                } catch LockError.lost {
                    print("the lease was lost over the change of the leader")
                }
            }
        }
    }
}
