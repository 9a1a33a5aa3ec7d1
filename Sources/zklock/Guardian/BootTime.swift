import ZooKeeper

/// Instants that two processes of one machine understand alike: nanoseconds of the clock that also counts while the machine sleeps.
/// It is the one of `ContinuousClock`, which does not show its numbers.
enum BootTime {
    static var now: Int64 { ThisProcess.bootTime }

    static func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 {
        // In this order: what passes between the two makes the result earlier, and a deadline safer.
        let now = now
        return now + (instant - ContinuousClock.now).nanoseconds
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        // Three centuries.
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
