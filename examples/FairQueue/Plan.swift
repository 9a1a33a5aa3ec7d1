/// What the workers do.
struct Plan: Equatable, Sendable {
    var workers = 6
    /// How often each worker takes the lock.
    var rounds = 3
    /// How long each holds it.
    var hold = Duration.milliseconds(300)
    var path = "/fair-queue/demo"
    /// The round in which the first worker is killed while it holds; `nil` for no crash.
    var crashRound: Int?
    /// The turn, counted over all workers from 1, during which the leader of the ensemble is killed; `nil` for no kill.
    var leaderKillTurn: Int?
    /// The round in which the follower of the first worker is cut off while that worker holds; `nil` for no partition.
    var partitionRound: Int?

    /// The worker that is a process of its own where there is a crash. It is the first to enter, so that others wait
    /// behind it when it dies.
    static let crashingWorker = 1

    /// The worker whose follower is cut off where there is a partition; the first to enter, for the same reason.
    static let cutOffWorker = 1

    /// Twice what a whole round takes, and time for sessions to end and leaders to be elected.
    var patience: Duration { hold * workers * 2 + .seconds(60) }

    /// How many acquisitions there are to be. A crashed worker makes no more; one that was cut off comes back for the rest of its
    /// turns, and the one in which it was told to stop counts, since it had the lock.
    var acquisitions: Int {
        workers * rounds - (crashRound.map { rounds - $0 } ?? 0)
    }
}
