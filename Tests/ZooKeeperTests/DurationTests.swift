import Testing

@testable import ZooKeeper

@Suite struct DurationTests {
    @Test(arguments: [
        (Duration.zero, Int64(0)),
        (.nanoseconds(999_999), 0),
        (.nanoseconds(-999_999), 0),
        (.milliseconds(1500), 1500),
        (.milliseconds(-1500), -1500),
        (.seconds(Int64.max / 1000), .max),
        (.seconds(Int64.max / 1000 - 1) + .milliseconds(999), (Int64.max / 1000) * 1000 - 1),
        (.seconds(Int64.max), .max),
        (.seconds(Int64.min), .min),
        (.seconds(Int64.max) * 2, .max),
        (.seconds(Int64.min) * 2, .min),
    ])
    func milliseconds(duration: Duration, expected: Int64) {
        #expect(duration.milliseconds == expected)
    }

    /// The order is kept behind a timer that is further away than the kernel can be told.
    @Test(.timeLimit(.minutes(5)), arguments: [Duration.seconds(Int64.max), .seconds(Int64.max) * 2])
    func timersOfAnyLength(duration: Duration) async {
        let never = TimerThread.shared.schedule(at: .now + duration) { Issue.record("fired") }
        let fired = Promise<Void>()
        TimerThread.shared.schedule(at: .now + .milliseconds(20)) { fired.resolve(()) }
        await fired.value()
        TimerThread.shared.cancel(never)
        let again = Promise<Void>()
        TimerThread.shared.schedule(at: .now + .seconds(Int64.min)) { again.resolve(()) }
        await again.value()
    }
}
