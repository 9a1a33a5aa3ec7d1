import Testing

@Suite struct RandomScheduleTests {
    @Test func smoke() async throws {
        var setting = Setting()
        setting.breaks = 2000
        setting.freezes = 6000
        setting.partitions = 15000
        setting.elections = 20000
        setting.crashes = 20000
        let clock = ContinuousClock()
        var grants = 0, ended = 0
        let start = clock.now
        for seed in 0..<300 as Range<UInt64> {
            var shape = SplitMix(seed: seed)
            setting.contenders = 3 + shape.below(10)
            setting.clients = 3 + shape.below(setting.contenders - 2)
            var world = World(setting, seed: seed)
            world.run()
            grants += world.judge.grants
            ended += world.judge.sessionsEnded
            if !world.judge.verdicts.isEmpty {
                Issue.record("seed \(seed): \(world.judge.verdicts)")
                var again = World(setting, seed: seed, isTracing: true)
                again.run()
                print(again.trace.text.suffix(150).joined(separator: "\n"))
                break
            }
        }
        print("grants \(grants), sessions ended \(ended), \(clock.now - start)")
    }
}
