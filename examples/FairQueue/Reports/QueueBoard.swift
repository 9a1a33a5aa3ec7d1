/// Where everybody stands, as the screen shows it. Pure: events in, lines out.
struct QueueBoard: Sendable {
    enum State: Equatable, Sendable {
        /// Not in the queue: before its first turn, or between two.
        case away
        case waiting(Place, since: ContinuousClock.Instant)
        case holding(Place, since: ContinuousClock.Instant)
        case crashed(since: ContinuousClock.Instant)
        /// Told to stop because its follower is cut off.
        case cancelled(since: ContinuousClock.Instant)
        case failed(String)
        case done
    }

    struct Member: Equatable, Sendable {
        var worker: Int
        var round = 0
        var state = State.away
    }

    struct Turn: Equatable, Sendable {
        var worker: Int
        /// It was killed, or told to stop.
        var isCutShort = false
    }

    struct Recovery: Equatable, Sendable {
        var worker: Int
        var duration: Duration
    }

    /// What became of the ensemble after its leader was killed.
    struct LeaderLoss: Equatable, Sendable {
        var killed: Int
        var next: Int?
        var isWhole = false
        var failure: String?
    }

    /// What became of the holder whose follower was cut off.
    struct CutOff: Equatable, Sendable {
        var member: Int
        var since: ContinuousClock.Instant
        /// When the holder had stopped.
        var stopped: ContinuousClock.Instant?
        var cancellation: Cancellation?
        /// When the leader gave the lock away.
        var givenAway: ContinuousClock.Instant?
        var isHealed = false
    }

    let plan: Plan
    private(set) var stage: Message.Stage?
    /// By the number of the worker.
    private(set) var members: [Member]
    /// Who held, one after the other.
    private(set) var turns: [Turn] = []
    private(set) var recovery: Recovery?
    private(set) var leaderLoss: LeaderLoss?
    private(set) var cutOff: CutOff?
    /// What could not be done with the member that was to be cut off.
    private(set) var cutOffFailure: String?
    private(set) var standstill: Standstill
    /// Turns the spinner.
    var beat = 0

    init(_ plan: Plan) {
        self.plan = plan
        standstill = Standstill(hold: plan.hold)
        members = (1...plan.workers).map { Member(worker: $0) }
    }

    mutating func apply(_ stage: Message.Stage) {
        self.stage = stage
    }

    mutating func apply(_ entry: History.Entry) {
        let event = entry.event
        guard members.indices.contains(event.worker - 1) else { return }
        standstill.add(event)
        let isLast = event.round == plan.rounds
        let state: State
        switch event.kind {
        case .queued(let place, _):
            state = .waiting(place, since: event.instant)
        case .acquired(let place, _):
            state = .holding(place, since: event.instant)
            turns.append(Turn(worker: event.worker))
            if let recovery = entry.recovery { self.recovery = Recovery(worker: event.worker, duration: recovery) }
        case .released, .lost:
            state = isLast ? .done : .away
        case .cancelled:
            state = .cancelled(since: event.instant)
            cutOff?.stopped = event.instant
            cutShortTurn(of: event.worker)
        case .crashed(_, _, let killed):
            state = .crashed(since: killed)
            cutShortTurn(of: event.worker)
        case .failed(let reason):
            state = .failed(reason)
        }
        members[event.worker - 1] = Member(worker: event.worker, round: event.round, state: state)
    }

    private mutating func cutShortTurn(of worker: Int) {
        if let turn = turns.lastIndex(where: { $0.worker == worker }) { turns[turn].isCutShort = true }
    }

    mutating func apply(_ event: EnsembleEvent) {
        switch event.kind {
        case .leaderKilled:
            leaderLoss = LeaderLoss(killed: event.member)
            standstill.leaderKilled(at: event.instant)
        case .leaderElected: leaderLoss?.next = event.member
        case .memberRestarted: leaderLoss?.isWhole = true
        case .followerCutOff: cutOff = CutOff(member: event.member, since: event.instant)
        case .gaveAway(let cancellation):
            cutOff?.cancellation = cancellation
            cutOff?.givenAway = event.instant
        case .partitionHealed: cutOff?.isHealed = true
        case .memberFailed(let reason) where plan.partitionRound != nil:
            cutOffFailure = "member \(event.member): \(reason)"
        case .memberFailed(let reason):
            var loss = leaderLoss ?? LeaderLoss(killed: event.member)
            loss.failure = reason
            leaderLoss = loss
        }
    }

    /// Whether all turns were taken.
    var isComplete: Bool { turns.count == plan.acquisitions && !members.contains(where: \.isHolding) }

    /// The queue: who holds, then who waits, by their tokens; then those who do not take part now.
    var order: [Member] {
        members.sorted { lhs, rhs in
            (lhs.state.rank, lhs.state.token, lhs.worker) < (rhs.state.rank, rhs.state.token, rhs.worker)
        }
    }
}

extension QueueBoard.State {
    fileprivate var rank: Int {
        switch self {
        case .holding: 0
        case .waiting: 1
        case .away: 2
        case .crashed, .cancelled: 3
        case .failed: 4
        case .done: 5
        }
    }

    fileprivate var token: Int64 {
        switch self {
        case .holding(let place, _), .waiting(let place, _): place.token
        case .away, .crashed, .cancelled, .failed, .done: 0
        }
    }
}
