/// Measures for how long the queue stood still after the leader was killed: the longest time without any progress, less
/// that for which a holder keeps the lock anyhow.
struct Standstill: Equatable, Sendable {
    /// How long each worker holds the lock.
    let hold: Duration
    /// `nil` before the first progress after the kill.
    private(set) var longest: Duration?
    private var killed: ContinuousClock.Instant?
    private var lastProgress: ContinuousClock.Instant?
    /// When the next progress is due.
    private var due: ContinuousClock.Instant?

    init(hold: Duration) {
        self.hold = hold
    }

    mutating func leaderKilled(at instant: ContinuousClock.Instant) {
        killed = killed ?? instant
    }

    /// Takes in what a worker did. What comes late, after what happened after it, does not count.
    mutating func add(_ event: Event) {
        let next: ContinuousClock.Instant
        switch event.kind {
        case .acquired: next = event.instant + hold
        case .released, .lost, .cancelled, .crashed: next = event.instant
        case .queued, .failed: return
        }
        if let lastProgress, event.instant < lastProgress { return }
        if let killed, event.instant > killed {
            longest = max(longest ?? .zero, current(at: event.instant))
        }
        lastProgress = event.instant
        due = next
    }

    /// For how long the queue has stood still at this moment.
    func current(at now: ContinuousClock.Instant) -> Duration {
        guard let killed else { return .zero }
        return max(.zero, now - max(killed, due ?? killed))
    }
}
