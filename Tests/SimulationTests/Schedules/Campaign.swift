/// Many schedules, two at a time.
struct Campaign: Sendable {
    struct Failure: Sendable {
        var seed: UInt64
        var verdicts: [String]
    }

    struct Tally: Sendable {
        var schedules = 0
        var grants = 0
        var sessionsEnded = 0
        var failures: [Failure] = []

        mutating func add(_ other: Tally) {
            schedules += other.schedules
            grants += other.grants
            sessionsEnded += other.sessionsEnded
            failures += other.failures
        }
    }

    var rules = Rules()
    var stopsAtFirst = true
    var workers = 2
    var end: ContinuousClock.Instant?
    var setting: @Sendable (UInt64) -> Setting

    func run(_ seeds: Range<UInt64>) async -> Tally {
        let tallies = await withTaskGroup(of: Tally.self) { group in
            for worker in 0..<UInt64(workers) {
                group.addTask { await run(from: seeds.lowerBound + worker, to: seeds.upperBound) }
            }
            var tallies: [Tally] = []
            for await tally in group { tallies.append(tally) }
            return tallies
        }
        var sum = Tally()
        for tally in tallies { sum.add(tally) }
        sum.failures.sort { $0.seed < $1.seed }
        return sum
    }

    private func run(from first: UInt64, to end: UInt64) async -> Tally {
        var tally = Tally()
        for seed in stride(from: first, to: end, by: workers) {
            await Task.yield()
            if let end = self.end, ContinuousClock.now > end { break }
            var world = World(setting(seed), seed: seed, rules: rules)
            world.run()
            tally.schedules += 1
            tally.grants += world.judge.grants
            tally.sessionsEnded += world.judge.sessionsEnded
            guard !world.judge.verdicts.isEmpty else { continue }
            tally.failures.append(Failure(seed: seed, verdicts: world.judge.verdicts))
            if stopsAtFirst { break }
        }
        return tally
    }

    /// The whole story of one schedule, for a reader.
    func story(seed: UInt64) -> String {
        var world = World(setting(seed), seed: seed, rules: rules, isTracing: true)
        world.run()
        return (world.trace.text + world.judge.verdicts.map { "VIOLATION: \($0)" }).joined(separator: "\n")
    }
}
