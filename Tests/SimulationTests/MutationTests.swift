import Testing

@testable import ZooKeeperLocks

extension SimulationTests {
    /// Each rule is left out, and the schedules have to notice; with the rule, they find nothing.
    @Suite(.serialized) struct MutationTests {
        @Test(arguments: Budget.mutation.map { [$0] } ?? Mutation.allCases) func isCaught(mutation: Mutation) async {
            var campaign = Campaign(rules: mutation.rules) { mutation.setting(seed: $0) }
            var tally = await campaign.run(Budget.seeds ?? mutation.knownSeed..<mutation.knownSeed + 1)
            if tally.failures.isEmpty, Budget.seeds == nil {
                // The rules have changed since, or what a schedule is made of.
                if Budget.isFull { tally = await campaign.run(1..<3000) }
                let next =
                    tally.failures.first.map { "\($0.seed) does" }
                    ?? "search: SIMULATION_MUTATION=\(mutation.rawValue) swift test -c release --filter MutationTests"
                Issue.record("seed \(mutation.knownSeed) does not show \(mutation.rawValue) any more; \(next)")
            }
            guard let failure = tally.failures.first else {
                Issue.record("\(mutation.rawValue) was not caught in \(tally.schedules) schedules")
                return
            }
            print("\(mutation.rawValue): seed \(failure.seed): \(failure.verdicts[0])")
            campaign.rules = Rules()
            let seeds = Budget.isFull ? 1..<51 : failure.seed..<failure.seed + 1
            let control = await campaign.run(seeds)
            #expect(control.failures.isEmpty, "with the rule, too: \(control.failures.first.map { "\($0)" } ?? "")")
            print(
                "with the rule: \(control.schedules) schedules, \(control.grants) grants,",
                "\(control.failures.count) violations")
        }
    }
}
