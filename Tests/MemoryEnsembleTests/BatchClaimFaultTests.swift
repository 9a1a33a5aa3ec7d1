import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// Workers that claim and release at random, while answers are lost, connections break and sessions end. The seed decides what each worker
/// does; `BATCH_SEEDS` how many there are, `BATCH_SEED` which one.
@Suite(.timeLimit(.minutes(5))) struct BatchClaimFaultTests {
    /// What a worker did with an item.
    private enum End: Hashable {
        case clean, unclean
        /// It may have been released before the session ended, or not.
        case unknown
    }

    private struct Turn {
        var item: String
        var token: Int64
        var attempt: Int
        var end: End

        init(_ item: ClaimedItem, _ end: End) {
            self.item = item.id
            token = item.fencingToken.rawValue
            attempt = item.attempt
            self.end = end
        }
    }

    private static let items = (0..<12).map { "item-\($0)" }

    /// With even seeds no claim is interrupted: then every count is known.
    @Test(arguments: RandomSeeds.of("BATCH", count: 12))
    func nobodySharesAnItemAndEveryUncleanEndIsCounted(_ seed: UInt64) async throws {
        let ensemble = MemoryEnsemble()
        let turns = Recorder<Turn>()
        // Claims that threw, or whose session may have ended in the middle: what they did to the count of attempts is theirs.
        let failures = Counter()
        try await withThrowingTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    let random = SeededGenerator(seed: seed &* 31 &+ UInt64(worker))
                    try await Self.work(ensemble, random, turns, failures, interrupts: seed % 2 == 1)
                }
            }
            try await group.waitForAll()
        }
        #expect(failures.value == 0 || seed % 2 == 1, "BATCH_SEED=\(seed)")
        Self.judge(turns.all, seed: seed, isExact: failures.value == 0)
        try await Self.checkNothingIsLeft(ensemble, turns.all, seed, isExact: failures.value == 0)
    }

    private static func work(
        _ ensemble: MemoryEnsemble, _ generator: SeededGenerator, _ turns: Recorder<Turn>, _ failures: Counter,
        interrupts: Bool
    ) async throws {
        var random = generator
        let client = try await ensemble.connect(.quiet("memory:2181"))
        let recipe = try client.batchClaim("/jobs")
        for _ in 0..<25 {
            let fault = Int.random(in: interrupts ? 0..<10 : 0..<3, using: &random)
            // Not while there is no session: then there is nothing to be done to it.
            if fault == 0 { try? await ensemble.dropNextReply(of: client) }
            if fault == 1 { await interrupt(ensemble, client) }
            let wanted = items.shuffled(using: &random)
            let count = Int.random(in: 1...5, using: &random)
            let interruption = fault == 3 ? Task { try? await ensemble.expireSession(of: client) } : nil
            let claim = Task { () async throws(LockError) -> ClaimedBatch in
                try await recipe.claim(wanted, upTo: count, timeout: .seconds(5))
            }
            if fault == 4 { claim.cancel() }
            let result = await claim.result
            _ = await interruption?.value
            if interruption != nil { failures.add() }
            let batch: ClaimedBatch
            switch result {
            case .success(let obtained): batch = obtained
            case .failure(let error):
                // Whatever else happens to it, it goes on.
                if fault != 4 { Issue.record("\(error)") }
                failures.add()
                continue
            }
            await use(batch, &random, ensemble, client, turns, isSure: interruption == nil)
        }
        await client.close()
    }

    /// No connection for a moment, shorter than the session lives; what is asked meanwhile waits.
    private static func interrupt(_ ensemble: MemoryEnsemble, _ client: ZooKeeperClient) async {
        try? await ensemble.disconnect(client)
        Task {
            try? await Task.sleep(for: .milliseconds(5))
            try? await ensemble.reconnect(client)
        }
    }

    private static func use(
        _ batch: ClaimedBatch, _ random: inout SeededGenerator, _ ensemble: MemoryEnsemble, _ client: ZooKeeperClient,
        _ turns: Recorder<Turn>, isSure: Bool
    ) async {
        let expires = Int.random(in: 0..<8, using: &random) == 0
        var held = batch.items
        for item in batch.items {
            await Task.yield()
            let what = Int.random(in: 0..<6, using: &random)
            guard what < 4 else { continue }
            if what == 3 { try? await ensemble.dropNextReply(of: client) }
            let isHeld = (try? batch.checkHeld(item.id)) != nil
            let cleanly = what > 0
            await batch.release(item.id, cleanly: cleanly)
            held.removeAll { $0.id == item.id }
            let end: End = isHeld && isSure ? (cleanly ? .clean : .unclean) : .unknown
            turns.append(Turn(item, end))
        }
        if expires {
            let states = client.states
            try? await ensemble.expireSession(of: client)
            for item in held { turns.append(Turn(item, isSure ? .unclean : .unknown)) }
            // The next round begins in the next session.
            var isOver = false
            _ = await first(of: states) { state in
                isOver = isOver || state != .connected
                return isOver && state == .connected
            }
        } else {
            let isHeld = batch.isHeld
            await batch.release()
            for item in held { turns.append(Turn(item, isHeld && isSure ? .clean : .unknown)) }
        }
    }

    private static func judge(_ turns: [Turn], seed: UInt64, isExact: Bool) {
        let comment: Comment = "BATCH_SEED=\(seed)"
        #expect(turns.count > 50, comment)
        for item in items {
            let story = turns.filter { $0.item == item }.sorted { $0.token < $1.token }
            #expect(Set(story.map(\.token)).count == story.count, comment)
            for (turn, next) in zip(story, story.dropFirst()) {
                switch turn.end {
                case .clean where isExact: #expect(next.attempt == 1, comment)
                case .unclean where isExact: #expect(next.attempt == turn.attempt + 1, comment)
                case .unclean: #expect(next.attempt > turn.attempt, comment)
                case .clean, .unknown: break
                }
            }
        }
    }

    private static func checkNothingIsLeft(
        _ ensemble: MemoryEnsemble, _ turns: [Turn], _ seed: UInt64, isExact: Bool
    ) async throws {
        let comment: Comment = "BATCH_SEED=\(seed)"
        try await ensemble.with { client in
            let recipe = try client.batchClaim("/jobs")
            let entries = try await recipe.entries()
            #expect(entries.allSatisfy { !$0.isHeld }, comment)
            if isExact {
                for item in items {
                    let last = turns.filter { $0.item == item }.max { $0.token < $1.token }
                    guard let last, last.end != .unknown else { continue }
                    #expect(entries.contains { $0.id == item } == (last.end == .unclean), comment)
                }
            }
            let all = try await recipe.claim(items, upTo: items.count)
            #expect(all.count == items.count, comment)
            await all.release()
            let left = try await BatchClaimTests.leftovers(recipe)
            #expect(left == [], comment)
        }
    }
}
