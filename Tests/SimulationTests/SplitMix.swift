/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the same numbers from the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    // Written out: the standard library does not promise the same numbers in its next version.

    mutating func below(_ bound: Int) -> Int {
        bound <= 1 ? 0 : Int(next() % UInt64(bound))
    }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// At its worst as often as not.
    mutating func lateness(_ range: ClosedRange<Int64>) -> Int64 {
        range.upperBound == 0 ? 0 : chance(50) ? range.upperBound : within(range)
    }

    mutating func element<Element>(of elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// A waiting time with this mean, for events that come by chance; not more than eight times the mean.
    mutating func waiting(mean: Int64) -> Int64 {
        // The shape matters, not the law: a half is short, a quarter is longer, ...
        var length = within(0...mean)
        for _ in 0..<3 where chance(50) { length += within(0...mean) }
        return length
    }
}
