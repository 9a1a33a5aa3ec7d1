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
