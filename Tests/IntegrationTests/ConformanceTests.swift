import Glibc
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// The ensemble in memory against a real server: the same random steps at both have to look the same.
@Suite(.weighty) struct ConformanceTests {
    static let steps = 600
    /// `CONFORMANCE_SEEDS=100` tries more than the ten of every day.
    static let seeds = 1...(getenv("CONFORMANCE_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 10)

    @Test(arguments: seeds)
    func randomStepsLookTheSame(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let steps = (0..<Self.steps).map { _ in ConformanceStep.random(clients: 3, using: &generator) }
        guard let (count, difference) = try await Self.firstDifference(steps) else { return }
        Issue.record("seed \(seed), step \(count):\n\(difference)")
        // Steps that the difference does not need only hide its cause.
        let needed = try await Self.shortest(Array(steps.prefix(count)), within: .seconds(60))
        print("seed \(seed), what is left without steps that it does not need:")
        print(needed.steps.map(\.description).joined(separator: "\n"), needed.difference, separator: "\n")
    }

    /// The number of steps up to the first difference, and what differs.
    static func firstDifference(_ steps: [ConformanceStep]) async throws -> (Int, String)? {
        let server = try await SharedServer.server.value
        return try await SharedServer.withRoot { configuration in
            let real = ConformanceRun(
                connect: { try await ZooKeeperClient.connect(configuration) },
                expire: { try await server.expireSession(of: $0) })
            let ensemble = MemoryEnsemble()
            try await ensemble.with { _ = try await $0.create(NodePath("/root")) }
            let memory = ConformanceRun(
                connect: { try await ensemble.connect(.quiet("memory:2181/root")) },
                expire: { try await ensemble.expireSession(of: $0) })
            try await real.start(clients: 3)
            try await memory.start(clients: 3)
            var view = ConformanceView()
            var found: (Int, String)?
            for (index, step) in steps.enumerated() {
                let theirs = try await real.perform(step)
                let ours = try await memory.perform(step)
                let difference = view.difference(
                    theirs, sessions: await real.sessions, ours, memorySessions: await memory.sessions,
                    inAnyOrder: step.isOrderFree)
                if let difference {
                    found = (index + 1, "\(step)\n\(difference)")
                    break
                }
            }
            await real.stop()
            await memory.stop()
            return found
        }
    }

    private static func shortest(
        _ steps: [ConformanceStep], within patience: Duration
    ) async throws -> (steps: [ConformanceStep], difference: String) {
        let end = ContinuousClock.now + patience
        var steps = steps
        var difference = "not again"
        var size = max(1, steps.count / 2)
        while ContinuousClock.now < end {
            var start = 0
            while start < steps.count, ContinuousClock.now < end {
                var fewer = steps
                fewer.removeSubrange(start..<min(start + size, steps.count))
                if let (count, text) = try await firstDifference(fewer) {
                    (steps, difference) = (Array(fewer.prefix(count)), text)
                } else {
                    start += size
                }
            }
            if size == 1 { break }
            size = max(1, size / 2)
        }
        return (steps, difference)
    }
}

extension ConformanceStep {
    /// A server deletes the ephemeral znodes of a session in the order of a hash table.
    var isOrderFree: Bool {
        if case .requests = self { false } else { true }
    }
}
