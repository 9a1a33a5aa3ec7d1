/// What becomes of bytes on their way in one direction.
struct Conditions: Hashable, Sendable {
    /// From the arrival at the proxy to the departure.
    var delay = Duration.zero
    /// Up to so much is added to the delay of each piece.
    var jitter = Duration.zero
    /// `nil` for no limit.
    var bytesPerSecond: Int?
    /// Nothing departs, what arrives is kept.
    var isFrozen = false
}

/// The conditions of both directions.
struct ConditionsBothWays: Hashable, Sendable {
    var toServer = Conditions()
    var toClient = Conditions()

    mutating func change(_ directions: Directions, _ change: (inout Conditions) -> Void) {
        if directions.contains(.toServer) { change(&toServer) }
        if directions.contains(.toClient) { change(&toClient) }
    }
}

/// The same numbers from the same seed (SplitMix64, Steele, Lea and Flood 2014).
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
