import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// Many who want one result, generation after generation, while answers are lost, connections break, computations fail and sessions end.
/// The seed decides what each of them does; `ONCE_SEEDS` how many there are, `ONCE_SEED` which one.
@Suite(.timeLimit(.minutes(5))) struct RunOnceFaultTests {
    private struct Broken: Error {}

    private static let clients = 4
    private static let callers = 10
    private static let generations = 6

    @Test(arguments: RandomSeeds.of("ONCE", count: 10))
    func everyGenerationHasOneResult(_ seed: UInt64) async throws {
        let ensemble = MemoryEnsemble()
        var clients: [ZooKeeperClient] = []
        for _ in 0..<Self.clients { clients.append(try await ensemble.connect(.quiet("memory:2181"))) }
        var random = SeededGenerator(seed: seed)
        let comment: Comment = "ONCE_SEED=\(seed)"
        let observer = try await ensemble.connect()
        let once = try observer.runOnce("/cache")
        for generation in 0..<Self.generations {
            let before = try await once.look()
            let results = Recorder<[UInt8]>()
            await withTaskGroup { group in
                for caller in 0..<Self.callers {
                    let client = clients[Int.random(in: 0..<clients.count, using: &random)]
                    let own = SeededGenerator(seed: random.next())
                    let number = UInt8(generation * Self.callers + caller)
                    group.addTask { results.append(await Self.ask(ensemble, client, number, own)) }
                }
            }
            #expect(results.all.count == Self.callers, comment)
            #expect(Set(results.all).count == 1, comment)
            // None of somebody whose lease was over.
            #expect(results.all.allSatisfy { $0.count == 2 }, comment)
            let after = try await once.look()
            // One publication in all; for the first generation that creates the znode.
            #expect(after.version == before.version + 1, comment)
            #expect(try await once.current() == results.all.first, comment)
            try await once.invalidate()
        }
        #expect(try await observer.queue(of: once.lock.path).entries.isEmpty, comment)
        for client in clients + [observer] { await client.close() }
    }

    /// Asks until there is a result: whoever fails, loses its session or gives up asks again.
    private static func ask(
        _ ensemble: MemoryEnsemble, _ client: ZooKeeperClient, _ number: UInt8, _ generator: SeededGenerator
    ) async -> [UInt8] {
        var random = generator
        let runs = Counter()
        while true {
            let (fault, patience) = (
                Int.random(in: 0..<9, using: &random), Int.random(in: 1...40, using: &random)
            )
            do {
                if fault == 0 { try? await ensemble.dropNextReply(of: client) }
                if fault == 5 {
                    try? await ensemble.disconnect(client)
                    Task {
                        try? await Task.sleep(for: .milliseconds(5))
                        try? await ensemble.reconnect(client)
                    }
                }
                let once = try client.runOnce("/cache")
                return try await once.value(timeout: fault == 1 ? .milliseconds(patience) : nil) { lease in
                    let run = runs.add()
                    if fault == 2 { throw Broken() }
                    if fault == 3 { try await ensemble.dropNextReply(of: client) }
                    if fault == 4 {
                        // Whoever was thought dead computes on, and must not publish.
                        try await ensemble.expireSession(of: client)
                        return [number, UInt8(truncatingIfNeeded: run), 255]
                    }
                    try? await Task.sleep(for: .milliseconds(patience / 10))
                    return [number, UInt8(truncatingIfNeeded: run)]
                }
            } catch {
                await Task.yield()
            }
        }
    }
}
