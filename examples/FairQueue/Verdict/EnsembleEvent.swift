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
        /// What was to be done with the member did not succeed.
        case memberFailed(String)
    }
}
