/// What the workers' side tells the side that watches.
enum Message: Sendable {
    case stage(Stage)
    case event(Event)
    case ensemble(EnsembleEvent)
    /// Time has passed: durations on the screen have grown.
    case tick

    enum Stage: Equatable, Sendable {
        /// That many, of its own.
        case startingServers(Int)
        case connecting
        /// The workers begin.
        case running(Start)
    }

    struct Start: Equatable, Sendable {
        var instant: ContinuousClock.Instant
        /// How long after a crash the next one must have the lock.
        var recoveryBound: Duration
    }
}
