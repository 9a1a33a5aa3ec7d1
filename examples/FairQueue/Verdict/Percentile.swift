enum Percentile {
    /// The smallest value that at least `percent` of all values do not exceed (nearest rank); `nil` when there are
    /// none.
    static func of<Value: Comparable>(_ values: [Value], _ percent: Int) -> Value? {
        let sorted = values.sorted()
        // Rounded up, in whole numbers: 0.99 * 100 is not 99 in binary.
        let rank = (percent * sorted.count + 99) / 100
        return sorted.isEmpty ? nil : sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
