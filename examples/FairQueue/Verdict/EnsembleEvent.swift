/// Something that was done to a member of the run's ensemble, or that it did, and when.
struct EnsembleEvent: Equatable, Sendable {
    /// Counted from 1.
    var member: Int
    var instant: ContinuousClock.Instant
    var kind: Kind

    enum Kind: Equatable, Sendable {
        /// The member led, and was killed.
        case leaderKilled
        /// The member leads now, and has a quorum.
        case leaderElected
        /// The member that was killed serves again.
        case memberRestarted
        /// The member follows, and was cut off from the others: nothing that it sends arrives there, nor the other way.
        case followerCutOff
        /// The member leads, and deleted the znode of a holder that was cut off: the lock is given away.
        case gaveAway(Cancellation)
        /// The member that was cut off reaches the others again.
        case partitionHealed
        /// What was to be done with the member did not succeed.
        case memberFailed(String)
    }
}

/// The end of the turn of a holder that was told to stop.
struct Cancellation: Equatable, Sendable {
    var worker: Int
    var round: Int
    var place: Place
    var held: Duration
    /// When what it did under the lock had ended.
    var stopped: ContinuousClock.Instant

    /// How long before that moment it had stopped; negative when it was too late.
    func margin(to givenAway: ContinuousClock.Instant) -> Duration { givenAway - stopped }
}
