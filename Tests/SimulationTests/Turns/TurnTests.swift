import Testing
import ZooKeeper

@testable import ZooKeeperLocks

extension SimulationTests {
    /// Turns within processes, in schedules that a seed decides.
    @Suite(.serialized) struct TurnTests {
        enum Mutation: String, CaseIterable, Sendable {
            case ignoresTheBound, grantsAfterTheLoss, forgetsWaiters, turnNotRaised, forgetsTheEntry, lingersOn

            var rules: TurnRules {
                var rules = TurnRules()
                switch self {
                case .ignoresTheBound: rules.ignoresBound = true
                case .grantsAfterTheLoss: rules.grantsAfterLoss = true
                case .forgetsWaiters: rules.forgetsWaiters = true
                case .turnNotRaised: rules.keepsTurn = true
                case .forgetsTheEntry: rules.forgetsEntry = true
                case .lingersOn: rules.lingersOn = true
                }
                return rules
            }
        }

        @Test func nobodyHoldsTwiceNobodyIsStuckAndNothingIsLeft() async {
            var (grants, losses, withdrawals) = (0, 0, 0)
            let seeds = Budget.seed.map { $0..<$0 + 1 } ?? Budget.seeds ?? 1..<(Budget.isFull ? 20_001 : 301)
            for seed in seeds {
                var world = TurnWorld(seed: seed, rules: .sound)
                let verdicts = world.run()
                (grants, losses, withdrawals) = (
                    grants + world.grants, losses + world.losses, withdrawals + world.withdrawals
                )
                #expect(verdicts.isEmpty, "SIMULATION_SEED=\(seed): \(verdicts)")
                if !verdicts.isEmpty { break }
                await Task.yield()
            }
            print("\(seeds.count) schedules: \(grants) turns, \(losses) lost, \(withdrawals) gave up")
            #expect(grants > seeds.count && (losses > 0 || seeds.count == 1))
        }

        @Test(arguments: Mutation.allCases) func isCaught(mutation: Mutation) async {
            for seed in UInt64(1)..<2000 {
                var world = TurnWorld(seed: seed, rules: mutation.rules)
                let verdicts = world.run()
                if let verdict = verdicts.first {
                    print("\(mutation.rawValue): seed \(seed): \(verdict)")
                    return
                }
                await Task.yield()
            }
            Issue.record("\(mutation.rawValue) was not caught")
        }
    }
}
