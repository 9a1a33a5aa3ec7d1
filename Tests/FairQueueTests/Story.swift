@testable import fair_queue

/// Writes histories shortly: `story.queued(1, 10, at: 0)` is worker 1 that queues with token 10 at the start.
struct Story {
    static let start = ContinuousClock.now
    private(set) var events: [Event] = []
    private(set) var ensembleEvents: [EnsembleEvent] = []

    static func instant(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }
    static func place(_ token: Int64) -> Place { Place(node: "/lock/\(token)", token: token) }

    mutating func add(_ worker: Int, round: Int = 1, at time: Int, _ kind: Event.Kind) {
        events.append(Event(worker: worker, round: round, instant: Self.instant(time), kind: kind))
    }

    mutating func queued(_ worker: Int, _ token: Int64, at time: Int, round: Int = 1, ahead: Int = 0) {
        add(worker, round: round, at: time, .queued(Self.place(token), ahead: ahead))
    }

    mutating func acquired(_ worker: Int, _ token: Int64, at time: Int, round: Int = 1, waited: Int = 0) {
        add(worker, round: round, at: time, .acquired(Self.place(token), waited: .milliseconds(waited)))
    }

    mutating func released(_ worker: Int, _ token: Int64, at time: Int, round: Int = 1) {
        add(worker, round: round, at: time, .released(Self.place(token), held: .zero))
    }

    mutating func crashed(_ worker: Int, _ token: Int64, killed: Int, gone: Int, round: Int = 1) {
        add(worker, round: round, at: gone, .crashed(Self.place(token), held: .zero, killed: Self.instant(killed)))
    }

    mutating func cancelled(_ worker: Int, _ token: Int64, at time: Int, held: Int = 0, round: Int = 1) {
        add(worker, round: round, at: time, .cancelled(Self.place(token), held: .milliseconds(held)))
    }

    /// The leader gives the lock of a worker away.
    mutating func gaveAway(
        _ leader: Int, _ worker: Int, _ token: Int64, stopped: Int, held: Int = 0, at time: Int, round: Int = 1
    ) {
        let cancellation = Cancellation(
            worker: worker,
            round: round,
            place: Self.place(token),
            held: .milliseconds(held),
            stopped: Self.instant(stopped)
        )
        ensemble(leader, at: time, .gaveAway(cancellation))
    }

    mutating func ensemble(_ member: Int, at time: Int, _ kind: EnsembleEvent.Kind) {
        ensembleEvents.append(EnsembleEvent(member: member, instant: Self.instant(time), kind: kind))
    }

    /// Queues, acquires and releases.
    mutating func turn(_ worker: Int, _ token: Int64, queued: Int, acquired: Int, released: Int, round: Int = 1) {
        self.queued(worker, token, at: queued, round: round)
        self.acquired(worker, token, at: acquired, round: round, waited: acquired - queued)
        self.released(worker, token, at: released, round: round)
    }

    /// The history that comes of it.
    var history: History {
        var history = History()
        for event in events { _ = history.add(event) }
        for event in ensembleEvents { history.add(event) }
        return history
    }
}
