import Testing

extension SimulationTests {
    /// The servers of the small worlds are simpler than those of the schedules. Whatever they do, those do as well.
    ///
    /// Left out is a connection with a server that is behind what the leader has committed by then: the ensemble has it only with a leader
    /// that was deposed, as word of the session comes behind the writes; the search allows for it always.
    @Suite(.serialized) struct TwinTests {
        static let cases: [SmallWorld.Bounds] = [
            .init(clients: [0, 1], breaks: 3, expiries: 1, givingUp: 1, deletions: 1, lag: 3),
            .init(clients: [0, 0, 1], breaks: 2, expiries: 2, givingUp: 1, lag: 3),
            .init(clients: [0, 1], breaks: 2, expiries: 0, givingUp: 1, reapings: 2, lag: 3, hasParent: false),
            .init(
                clients: [0, 0, 0, 1], breaks: 2, expiries: 1, givingUp: 1, deletions: 1, reapings: 2, lag: 3,
                vacancy: ExhaustiveTests.eager, hasJustLeft: true),
            .init(clients: [0, 1, 2], breaks: 3, expiries: 1, givingUp: 2, deletions: 1, lag: 4),
        ]

        @Test(arguments: cases) func theSmallWorldDoesWhatTheEnsembleDoes(bounds: SmallWorld.Bounds) async {
            let runs = await Background.run {
                (1...UInt64(Budget.isFull ? 500 : 15)).map { Self.wander(bounds, seed: $0) }
            }
            print(
                "clients \(bounds.clients): \(runs.count) ways, \(runs.map(\.steps).reduce(0, +)) steps,",
                "\(runs.map(\.comparisons).reduce(0, +)) answers and events compared,",
                "\(runs.map(\.grantsWithoutList).reduce(0, +)) grants without a list")
            #expect(runs.contains { $0.grantsWithoutList > 0 } == bounds.hasJustLeft)
            for run in runs { #expect(run.difference == nil, "\(run.difference ?? "")") }
            // Few ways end so early that there is next to nothing to compare.
            #expect(runs.count { $0.comparisons > 5 } > runs.count * 9 / 10)
        }

        struct Run: Sendable {
            var steps = 0
            var comparisons = 0
            var grantsWithoutList = 0
            var difference: String?
        }

        /// One way through the small world, to its end.
        static func wander(_ bounds: SmallWorld.Bounds, seed: UInt64) -> Run {
            var random = SplitMix(seed: seed)
            var twin = Twin(bounds)
            var way: [SmallWorld.Step] = []
            while twin.difference == nil {
                let steps = twin.small.steps.filter { if case .reconnect(_, false) = $0 { false } else { true } }
                let faults = twin.small.faults
                guard let step = random.element(of: random.chance(12) && !faults.isEmpty ? faults : steps) else {
                    break
                }
                way.append(step)
                twin.take(step)
            }
            twin.finish()
            let story = way.map { "\($0)" }.joined(separator: "\n")
            return Run(
                steps: way.count, comparisons: twin.comparisons, grantsWithoutList: twin.small.grantsWithoutList,
                difference: twin.difference.map { "seed \(seed):\n\(story)\n\($0)" })
        }
    }
}
