/// Many schedules, several at a time, in the background.
struct Campaign: Sendable {
    struct Failure: Sendable {
        var seed: UInt64
        var verdicts: [String]
    }

    struct Tally: Sendable {
        var schedules = 0
        var grants = 0
        var grantsWithoutList = 0
        var watchesJoined = 0
        /// Ended ahead of their time.
        var beyondPromise = 0
        var sessionsEnded = 0
        var failures: [Failure] = []

        mutating func add(_ other: Tally) {
            schedules += other.schedules
            grants += other.grants
            grantsWithoutList += other.grantsWithoutList
            watchesJoined += other.watchesJoined
            beyondPromise += other.beyondPromise
            sessionsEnded += other.sessionsEnded
            failures += other.failures
        }
    }

    var rules = Rules()
    var stopsAtFirst = true
    var end: ContinuousClock.Instant?
    var setting: @Sendable (UInt64) -> Setting

    func run(_ seeds: Range<UInt64>) async -> Tally {
        await Background.run {
            let firsts = (0..<UInt64(Background.threads)).map { seeds.lowerBound + $0 }
            var sum = Tally()
            for tally in Background.map(firsts, { run(from: $0, to: seeds.upperBound) }) { sum.add(tally) }
            sum.failures.sort { $0.seed < $1.seed }
            return sum
        }
    }

    private func run(from first: UInt64, to end: UInt64) -> Tally {
        var tally = Tally()
        for seed in stride(from: first, to: end, by: Background.threads) {
            if let end = self.end, ContinuousClock.now > end { break }
            var world = World(setting(seed), seed: seed, rules: rules)
            world.run()
            tally.schedules += 1
            tally.grants += world.judge.grants
            tally.grantsWithoutList += world.judge.grantsWithoutList
            tally.watchesJoined += world.judge.watchesJoined
            if world.judge.isBeyondPromise { tally.beyondPromise += 1 }
            tally.sessionsEnded += world.judge.sessionsEnded
            guard !world.judge.verdicts.isEmpty else { continue }
            tally.failures.append(Failure(seed: seed, verdicts: world.judge.verdicts))
            if stopsAtFirst { break }
        }
        return tally
    }

    /// The whole story of one schedule, for a reader.
    func story(seed: UInt64) async -> String {
        await Background.run {
            var world = World(setting(seed), seed: seed, rules: rules, isTracing: true)
            world.run()
            return (world.trace.text + world.judge.verdicts.map { "VIOLATION: \($0)" }).joined(separator: "\n")
        }
    }
}
