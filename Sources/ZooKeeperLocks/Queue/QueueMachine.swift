import ZooKeeper

/// One contender's way through the queue, as a pure value: events in, actions out; no clock, no I/O, no concurrency.
///
/// The queue is ZooKeeper's lock recipe (https://zookeeper.apache.org/doc/current/recipes.html#sc_recipes_Locks): an ephemeral
/// sequential znode for each contender, the lowest number holds, everybody else watches just the one before it. A name with a
/// UUID finds the node again when the answer to its creation is lost (ZOOKEEPER-1262).
///
/// Whoever drives the machine carries the actions out in order and brings back what came of them. Events that the state has no
/// use for are ignored: answers to questions that do not matter any more.
struct QueueMachine: Sendable {
    /// The contender's znode.
    struct Own: Hashable, Sendable {
        var name: String
        /// The transaction that created it: rises with every grant, whatever happens to the parent, the leader or the number.
        var czxid: Int64
    }

    /// Why a contender leaves.
    enum Departure: Hashable, Sendable {
        case released
        case timedOut
        case cancelled
        /// It only wanted the lock if it was free.
        case unavailable
        case failed(RequestFailure, operation: String)
    }

    enum Event: Sendable {
        /// Begin, in the session that there is now. `uuid` was never used before.
        case enter(uuid: String, isConnected: Bool)
        case created(Result<Own, RequestFailure>)
        case listed(step: Int, Result<[String], RequestFailure>)
        case parentsMade(step: Int, Result<Void, RequestFailure>)
        case predecessorRead(step: Int, Result<Void, RequestFailure>)
        case predecessorChanged(step: Int, WatchEvent.Kind)
        case barrierPassed(step: Int, Result<Void, RequestFailure>)
        /// `isOurs`: the node belongs to the session that there is now.
        case nodeRead(step: Int, Result<(stat: Stat, isOurs: Bool), RequestFailure>)
        case deleted(name: String, Result<Void, RequestFailure>)
        case paused(step: Int)
        case connected
        case suspended
        case sessionEnded(ZooKeeperError.Code)
        case giveUp(Departure)
        /// Whoever gave up has waited long enough for the clean-up.
        case patienceEnded
        case release
    }

    enum Action: Hashable, Sendable {
        /// Create the contender's node; in the same breath, without waiting for the answer, comes a `list`.
        case create(prefix: String)
        case list(step: Int)
        case makeParents(step: Int)
        /// Read the predecessor and watch it. By `exists` only where reading is not allowed: it leaves a watch behind on a
        /// node that is gone.
        case watchPredecessor(String, byExists: Bool, step: Int)
        /// A write that changes nothing, decided by a quorum: whatever was sent before a lost connection is decided then, or
        /// never. (`sync` is no such proof: a leader that was deposed answers it.)
        case barrier(step: Int)
        case readNode(String, step: Int)
        case delete(String)
        /// Come back with `paused`.
        case pause(Pause, step: Int)
        case tellPosition(Own, QueueView)
        case grant(Own)
        /// The lease is over although nobody released it.
        case lose(LossReason)
        /// Tell whoever waits for the acquire or the release.
        case depart(Departure, QueueView?)
        /// The session is over; come back with `enter` in the next one.
        case awaitSession
        /// A node could not be removed; it stays until the session ends.
        case leaveBehind(String, RequestFailure)
        /// Nothing of this contender is left.
        case end
    }

    enum Pause: Hashable, Sendable {
        /// The server was too busy, or something went wrong that should not have: try again soon, ever less often.
        case backOff(attempt: Int)
        /// Long enough for a request that was sent on a lost connection to be dead.
        case untilStragglersAreGone
    }

    /// What to do next.
    enum Step: Hashable, Sendable {
        case enter
        case makeParents
        case list(Own)
        case watch(Own, predecessor: String, byExists: Bool)
        case recover(isSecondLook: Bool)
        case adopt(name: String, names: [String])
    }

    enum Phase: Sendable {
        case idle
        /// A step failed that may succeed later: after a pause, or with the next connection if that comes first.
        case stalled(Step)
        /// A step that must not come before the pause is over.
        case resting(Step)
        case entering(created: Result<Own, RequestFailure>?, listed: Result<[String], RequestFailure>?)
        case makingParents
        case listing(Own)
        /// The predecessor is read; its watch is not known to be set yet.
        case approaching(Own, predecessor: String, byExists: Bool)
        case waiting(Own, predecessor: String)
        case held(Own)
        case recovering(
            passed: Result<Void, RequestFailure>?, listed: Result<[String], RequestFailure>?, isSecondLook: Bool)
        case adopting(name: String, names: [String])
        case leaving
        case betweenSessions
        case ended
    }

    /// Leave rather than wait.
    let onlyIfAvailable: Bool
    private(set) var phase = Phase.idle
    var uuid = ""
    /// Whether there is a connection, as far as was told. What is asked without one waits for it; whoever gives up does not.
    var isConnected = false
    /// Rises with every question, so that an answer to an older one is told apart.
    var step = 0
    /// Failures in a row.
    var attempts = 0
    /// Times in a row that the parent was missing although it had just been made.
    var parentAttempts = 0
    var departure: Departure?
    var hasDeparted = false
    /// Nodes to be removed, and whether the request for it is on its way.
    var strays: [String: Bool] = [:]
    var lastView: QueueView?
    var actions: [Action] = []

    static let maximumParentAttempts = 10

    init(onlyIfAvailable: Bool) {
        self.onlyIfAvailable = onlyIfAvailable
    }

    var isEnded: Bool { if case .ended = phase { true } else { false } }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .enter(let uuid, let isConnected): enter(uuid, isConnected)
        case .created(let result): created(result)
        case .listed(let step, let result): if step == self.step { listed(result) } else { surveyed(result) }
        case .parentsMade(step, let result): parentsMade(result)
        case .predecessorRead(step, let result): predecessorRead(result)
        case .predecessorChanged(step, let kind): predecessorChanged(kind)
        case .barrierPassed(step, let result): barrierPassed(result)
        case .nodeRead(step, let result): nodeRead(result)
        case .deleted(let name, let result): deleted(name, result)
        case .paused(let step): paused(step)
        case .connected: connected()
        case .suspended: suspended()
        case .sessionEnded(let code): sessionEnded(code)
        case .giveUp(let departure): giveUp(departure)
        case .patienceEnded: depart()
        case .release: release()
        case .parentsMade, .predecessorRead, .predecessorChanged, .barrierPassed, .nodeRead: break
        }
        defer { actions = [] }
        return actions
    }

    mutating func become(_ phase: Phase) {
        self.phase = phase
    }

    // MARK: One step after the other

    /// Asks what the step asks. Without a connection the questions wait for one, in order.
    mutating func take(_ next: Step) {
        step += 1
        switch next {
        case .enter:
            phase = .entering(created: nil, listed: nil)
            actions += [.create(prefix: ContenderName.prefix(uuid: uuid)), .list(step: step)]
        case .makeParents:
            phase = .makingParents
            actions.append(.makeParents(step: step))
        case .list(let own):
            phase = .listing(own)
            actions.append(.list(step: step))
        case .watch(let own, let predecessor, let byExists):
            phase = .approaching(own, predecessor: predecessor, byExists: byExists)
            actions.append(.watchPredecessor(predecessor, byExists: byExists, step: step))
        case .recover(let isSecondLook):
            phase = .recovering(passed: nil, listed: nil, isSecondLook: isSecondLook)
            actions += [.barrier(step: step), .list(step: step)]
        case .adopt(let name, let names):
            phase = .adopting(name: name, names: names)
            actions.append(.readNode(name, step: step))
        }
    }

    /// Takes a step again that failed and may succeed later: after a pause that grows, or with the next connection.
    mutating func takeAgain(_ next: Step) {
        phase = .stalled(next)
        attempts += 1
        pause(.backOff(attempt: attempts))
    }

    mutating func pause(_ pause: Pause) {
        step += 1
        actions.append(.pause(pause, step: step))
    }

    private mutating func paused(_ step: Int) {
        if step == self.step {
            switch phase {
            case .stalled(let next), .resting(let next): take(next)
            default: break
            }
        }
        removeStrays()
    }

    // MARK: The session

    private mutating func connected() {
        isConnected = true
        if case .stalled(let next) = phase { take(next) }
        removeStrays()
    }

    private mutating func suspended() {
        isConnected = false
        // The clean-up may take as long as the session does; nobody should have to wait for that.
        depart()
    }

    private mutating func sessionEnded(_ code: ZooKeeperError.Code) {
        isConnected = false
        strays = [:]
        switch phase {
        case .ended:
            return
        case .betweenSessions where code == .sessionExpired:
            return
        case .held:
            actions.append(.lose(LossReason(code)))
            finish()
        case _ where departure != nil:
            finish()
        case _ where code == .sessionExpired:
            phase = .betweenSessions
            actions.append(.awaitSession)
        default:
            departure = .failed(RequestFailure(code), operation: "acquire")
            finish()
        }
    }
}
