extension Duration {
    /// For people: `850 µs`, `350 ms`, `1.2 s`, `1 min 20 s`, `2 h 5 min`; a negative one begins with `-`.
    public var brief: String {
        if self < .zero { return "-" + (Duration.zero - self).brief }
        if self < .microseconds(1) { return self == .zero ? "0 s" : "\(whole(.nanoseconds(1))) ns" }
        if self < .milliseconds(1) { return "\(whole(.microseconds(1))) µs" }
        // What would be shown as a rounded 1000 ms is a second.
        if self < .microseconds(999_500) { return "\((self + .microseconds(500)).whole(.milliseconds(1))) ms" }
        if self < .milliseconds(59_950) {
            let tenths = (self + .milliseconds(50)).whole(.milliseconds(100))
            return "\(tenths / 10).\(tenths % 10) s"
        }
        let seconds = (self + .milliseconds(500)).whole(.seconds(1))
        if seconds < 3600 {
            return seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds / 60) min \(seconds % 60) s"
        }
        let minutes = seconds / 60
        return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
    }

    /// For a time that passes while somebody looks: the unit does not jump in the first minute, so `0.1 s` rather than
    /// `85 ms`.
    public var stopwatch: String {
        guard self >= .zero, self < .seconds(60) else { return brief }
        let tenths = whole(.milliseconds(100))
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// In milliseconds, for machines.
    public var milliseconds: Double {
        Double(whole(.microseconds(1))) / 1000
    }

    private func whole(_ unit: Duration) -> Int128 {
        attoseconds / unit.attoseconds
    }
}
