import Testing
import ZooKeeper

@testable import ZooKeeperLocks

extension SimulationTests {
    /// Random schedules of those who take several locks at once, and of those who take one. Never: two with the same lock, some of the locks
    /// without the others, a token that does not rise, a node without an owner, a circle of those who wait.
    @Suite(.serialized) struct MultiLockScheduleTests {
        /// What may go wrong.
        enum Weather: String, CaseIterable, Sendable {
            case calm, network, expiry, hands, storm
            /// Few, who come again and again.
            case alone

            func setting(seed: UInt64) -> MultiWorld.Setting {
                var random = SplitMix(seed: seed ^ 0xB0B)
                var setting = MultiWorld.Setting()
                setting.paths = 2 + random.below(4)
                setting.clients = 1 + random.below(4)
                setting.groups = 2 + random.below(5)
                setting.singles = random.below(4)
                setting.rounds = 1 + random.below(3)
                setting.lag = 1 + random.below(5)
                setting.givingUp = random.below(4)
                setting.unwilling = random.chance(20) ? 50 : 0
                if self == .network || self == .storm { setting.breaks = 1 + random.below(8) }
                if self == .expiry || self == .storm { setting.expiries = 1 + random.below(4) }
                if self == .hands || self == .storm {
                    setting.deletions = 1 + random.below(4)
                    setting.reapings = random.below(3)
                }
                if self == .alone {
                    setting.clients = 1 + random.below(2)
                    setting.groups = 1 + random.below(2)
                    setting.singles = random.below(2)
                    setting.paths = 2
                    setting.rounds = 4 + random.below(8)
                    setting.rest = 95
                    setting.givingUp = random.below(2)
                    setting.reapings = random.below(5)
                    setting.breaks = random.below(3)
                    setting.deletions = random.below(2)
                }
                if self == .alone || random.chance(50) {
                    var rules = Vacancy.Rules()
                    rules.patience = random.below(2)
                    setting.vacancy = rules
                }
                return setting
            }
        }

        private struct Tally: Sendable {
            var schedules = 0
            var bodies = 0
            var groupBodies = 0
            var struck = 0
            var grantsWithoutList = 0
            var groupGrantsWithoutList = 0
            var watchesJoined = 0
            var failure: (seed: UInt64, verdict: MultiWorld.Verdict)?
        }

        private func run(
            _ seeds: Range<UInt64>, _ setting: @escaping @Sendable (UInt64) -> MultiWorld.Setting
        ) async -> Tally {
            await Background.run {
                var tally = Tally()
                for seed in seeds {
                    var world = MultiWorld(setting(seed), seed: seed)
                    world.run()
                    tally.schedules += 1
                    tally.bodies += world.bodies
                    tally.groupBodies += world.groupBodies
                    tally.struck += world.struck
                    tally.grantsWithoutList += world.grantsWithoutList
                    tally.watchesJoined += world.watchesJoined
                    tally.groupGrantsWithoutList += world.groupGrantsWithoutList
                    if let verdict = world.verdict {
                        tally.failure = (seed, verdict)
                        break
                    }
                }
                return tally
            }
        }

        private func story(_ setting: MultiWorld.Setting, seed: UInt64) async -> String {
            await Background.run {
                var world = MultiWorld(setting, seed: seed)
                world.story = []
                world.run()
                return (world.story ?? []).joined(separator: "\n") + "\nVIOLATION: \(world.verdict as Any)"
            }
        }

        @Test(arguments: Weather.allCases) func nothingIsEverWrong(weather: Weather) async {
            if let seed = Budget.seed {
                print(await story(weather.setting(seed: seed), seed: seed))
                return
            }
            let start = ContinuousClock.now
            let seeds = Budget.seeds ?? 1..<(Budget.isFull ? 5001 : 41)
            let tally = await run(seeds) { weather.setting(seed: $0) }
            print(
                "several locks, \(weather.rawValue): seeds \(seeds), \(tally.schedules) schedules, \(tally.bodies) leases,",
                "\(tally.groupBodies) of several locks, \(tally.grantsWithoutList) grants without a list,",
                "\(tally.groupGrantsWithoutList) of several locks, \(tally.watchesJoined) watches shared, \(tally.struck) times something went wrong,",
                "\(ContinuousClock.now - start)"
            )
            if let (seed, verdict) = tally.failure {
                Issue.record(
                    "seed \(seed): \(verdict); SIMULATION_SEED=\(seed) swift test --filter MultiLockScheduleTests tells the story"
                )
            }
            #expect(tally.groupBodies > tally.schedules)
            #expect(tally.watchesJoined > 0)
            if weather == .alone { #expect(tally.groupGrantsWithoutList > tally.schedules / 2) }
        }

        /// What the freedom from deadlock rests on, left out.
        enum Mutation: String, CaseIterable, Sendable {
            /// One of the locks, such as the node that all tasks of a process share, is taken on its own, and held while the rest is entered.
            case oneIsTakenFirst
            /// Whose node was deleted enters that queue again, alone.
            case aPlaceIsTakenAnewAlone

            func setting(seed: UInt64) -> MultiWorld.Setting {
                var setting = MultiWorld.Setting()
                setting.paths = 3
                setting.clients = 3
                setting.groups = 3
                setting.singles = 1
                setting.rounds = 2
                setting.kinds = [.deadlock]
                switch self {
                case .oneIsTakenFirst: setting.takesOneFirst = true
                case .aPlaceIsTakenAnewAlone:
                    setting.rules.reentersAlone = true
                    setting.deletions = 4
                }
                return setting
            }
        }

        @Test(arguments: Mutation.allCases) func aDeadlockIsFound(mutation: Mutation) async throws {
            let seeds = Budget.seeds ?? 1..<2001
            let tally = await run(seeds) { mutation.setting(seed: $0) }
            let failure = try #require(tally.failure, "\(mutation) was not missed in \(tally.schedules) schedules")
            #expect(failure.verdict.kind == .deadlock)
            print("\(mutation.rawValue): seed \(failure.seed), after \(tally.schedules) schedules: \(failure.verdict)")
            // The same schedules with the rule, and with everything looked at.
            let control = await run(1..<(Budget.isFull ? 2001 : 101)) { seed in
                var setting = mutation.setting(seed: seed)
                (setting.takesOneFirst, setting.rules) = (false, .sound)
                setting.kinds = Set(MultiWorld.Verdict.Kind.allCases)
                return setting
            }
            #expect(control.failure == nil)
            print("with the rule: \(control.schedules) schedules, \(control.groupBodies) leases of several locks")
        }

        /// What saved listings rest on, left out: that nobody has come between.
        @Test func savedListingsThatIgnoreOthersAreNoticed() async throws {
            @Sendable func setting(ignoresGaps: Bool) -> MultiWorld.Setting {
                var setting = MultiWorld.Setting()
                (setting.paths, setting.clients, setting.groups, setting.singles) = (2, 2, 3, 0)
                (setting.rounds, setting.lag, setting.reapings, setting.rest) = (6, 6, 8, 95)
                var rules = Vacancy.Rules()
                (rules.ignoresGaps, rules.patience) = (ignoresGaps, 0)
                setting.vacancy = rules
                return setting
            }
            let tally = await run(Budget.seeds ?? 1..<1001) { _ in setting(ignoresGaps: true) }
            let failure = try #require(tally.failure, "not missed in \(tally.schedules) schedules")
            #expect(failure.verdict.kind == .exclusion || failure.verdict.kind == .token)
            print("gaps ignored: seed \(failure.seed): \(failure.verdict)")
            let control = await run(failure.seed..<failure.seed + (Budget.isFull ? 500 : 5)) { _ in
                setting(ignoresGaps: false)
            }
            #expect(control.failure == nil)
            #expect(control.groupGrantsWithoutList > 0)
            print("with the rule: \(control.schedules) schedules, \(control.grantsWithoutList) grants without a list")
        }

        @Test func aScheduleIsTheSameEachTime() async {
            let setting = Weather.storm.setting(seed: 3)
            let first = await story(setting, seed: 3)
            #expect(first.count > 1000)
            #expect(await story(setting, seed: 3) == first)
        }
    }
}
