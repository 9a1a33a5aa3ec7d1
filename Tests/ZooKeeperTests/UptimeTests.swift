import Testing

@testable import ZooKeeper

@Suite struct UptimeTests {
    /// The clock's own instants, also those of before this process first asked.
    @Test(arguments: [.zero, .nanoseconds(1), .seconds(1), .seconds(-3600), .seconds(3_155_760_000)] as [Duration])
    func isTheClocksInstant(after offset: Duration) {
        let now = ContinuousClock.now
        #expect(Uptime(now + offset).instant == now + offset)
        #expect(Uptime(now + offset) - Uptime(now) == offset)
        #expect((Uptime(now + offset) < Uptime(now)) == (offset < .zero))
        #expect(Uptime(now) + offset == Uptime(now + offset))
        #expect(Uptime(now + offset) - offset == Uptime(now))
    }

    @Test func goesOn() {
        let (before, now, after) = (ContinuousClock.now, Uptime.now, ContinuousClock.now)
        #expect(before <= now.instant && now.instant <= after)
    }
}
