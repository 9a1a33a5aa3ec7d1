extension Duration {
    /// Whole milliseconds, cut off, within the range of `Int64`.
    package var milliseconds: Int64 {
        // A `Duration` may be longer than its `components` can say; asking for them is a trap then.
        let longest = Duration.seconds(Int64.max / 1000)
        if self >= longest { return .max }
        if self <= .zero - longest { return .min }
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
