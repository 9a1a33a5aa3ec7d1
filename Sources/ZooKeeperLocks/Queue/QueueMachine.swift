import ZooKeeper

/// One contender's way through the queue, as a pure value: events in, actions out; no clock, no I/O, no concurrency.
///
/// The queue is ZooKeeper's lock recipe (https://zookeeper.apache.org/doc/current/recipes.html#sc_recipes_Locks): an ephemeral
/// sequential znode for each contender, the lowest number holds, everybody else watches just the one before it. A name with a
/// UUID finds the node again when the answer to its creation is lost (ZOOKEEPER-1262).
///
/// What is new against the recipe: a contender that knows that nobody but its predecessor is ahead, and that watches both that one's node
/// and its own, needs no further question when the predecessor's node goes: see ``Wait``.
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
        // The contender has room for this as long as it lives, and hardly any departs so.
        indirect case failed(RequestFailure, operation: String)
        /// The parent is that of a semaphore of so many permits, or, with `nil`, of none at all.
        indirect case disagrees(found: Int?)
        /// The path is that of other stripes, or, with `nil`, of none at all.
        indirect case stripesDisagree(found: StripeLayout?)
    }

    /// What to do next.
    enum Step: Hashable, Sendable {
        case enter
        case makeParents
        case list(Own)
        case listAndWatch(Own)
        case prove(Own)
        case recover(isSecondLook: Bool)
        case adopt(name: String, queue: QueueListing)
    }

    enum Phase: Sendable {
        case idle
        /// A step failed that may succeed later: after a pause, or with the next connection if that comes first.
        case stalled(Step)
        /// A step that must not come before the pause is over.
        case resting(Step)
        case entering(created: Result<Own, RequestFailure>?, listed: Result<QueueListing, RequestFailure>?)
        case makingParents
        case listing(Own)
        case waiting(Wait)
        /// All that are ahead hold permits, and any of them may be the one that goes.
        case front(Own)
        /// Nobody is ahead, but the lease is not valid.
        case proving(Own)
        /// `isLost`: the lease is over, the node is not.
        case held(Own, isLost: Bool)
        case recovering(
            passed: Result<Void, RequestFailure>?, listed: Result<QueueListing, RequestFailure>?, isSecondLook: Bool)
        case adopting(name: String, queue: QueueListing)
        case leaving
        case betweenSessions
        case ended
    }

    /// A request for a node that is to be removed.
    struct Removal: Hashable, Sendable {
        var isUnderway: Bool
        var recording: Bool
    }

    /// The name of all children together, in place of one node's.
    static let everybody = ""
    /// The step of a listing that is no step on the way: a last look at the queue by who leaves it.
    static let survey = -1

    // Thousands may wait: flags stand together, where they fit into what the field in front of them leaves of its last word.

    /// Leave rather than wait.
    let onlyIfAvailable: Bool
    /// It never enters by itself: its places in this queue and in others are taken together, by a ``MultiLockMachine``.
    let isPlaced: Bool
    let rules: QueueRules
    /// Changes once at most: when a writer becomes a reader.
    var policy: QueuePolicy
    /// A create was made again, as the answer to the one before was lost.
    var mayHaveTwoNodes = false
    /// Whether there is a connection, as far as was told. What is asked without one waits for it; whoever gives up does not.
    var isConnected = false
    var hasDeparted = false
    /// It was not the head when it came.
    var hasWaited = false
    /// The entry does without a listing, if it is told then that nobody is ahead.
    var isVacant = false
    private(set) var phase = Phase.idle
    /// As of the event at hand.
    var leaseIsValid = true
    /// Whether the parent's data is this library's; `nil`: nobody has looked.
    var parentIsOurs: Bool?
    /// The own node has to be written to, or is being so.
    var poke: Poke?
    /// The same as ``uuid``; of one that waits, a part of its node's name, which is kept anyway.
    var attempt: Substring = ""
    /// Rises with every question, so that an answer to an older one is told apart.
    var step = 0
    /// Failures in a row.
    var attempts = 0
    /// Times in a row that the parent was missing although it had just been made.
    var parentAttempts = 0
    var departure: Departure?
    /// Nodes to be removed.
    var strays: [String: Removal] = [:]
    /// What is watched in this connection, or about to be.
    var watches = Watches()
    /// As the parent has it; the outer `nil`: nobody has looked.
    var parentPermits: Int??
    /// Why it cannot be read.
    @Rare var parentRefusal: RequestFailure? = nil
    /// What becomes of a writer that wants to be a reader.
    @Rare var replacement: Replacement? = nil
    /// The own node that nobody is ahead of, nor will ever be. Not just any of them: while one too many is removed, the other stays.
    var firstNode: String?
    var lastLook: QueueView.Ahead?
    /// What stands in the own node.
    @Rare var revocation: Revocation? = nil
    var actions: [Action] = []

    static let maximumParentAttempts = 10

    init(
        onlyIfAvailable: Bool, isPlaced: Bool = false, policy: QueuePolicy = .exclusive, rules: QueueRules = .sound
    ) {
        self.onlyIfAvailable = onlyIfAvailable
        self.isPlaced = isPlaced
        self.policy = policy
        self.rules = rules
    }

    /// Never used before, by anybody.
    var uuid: String {
        get { String(attempt) }
        set { attempt = newValue[...] }
    }

    /// Whether a node of that name is, or was, made by this attempt to enter.
    func isOwn(_ name: String) -> Bool { ContenderName.isName(name, of: uuid) }

    var isEnded: Bool { if case .ended = phase { true } else { false } }

    /// - Parameter leaseIsValid: whether the session may be believed to live right now, with time left to stop.
    mutating func handle(_ event: Event, leaseIsValid: Bool = true) -> [Action] {
        self.leaseIsValid = leaseIsValid
        switch event {
        case .enter(let uuid, let isConnected, let isVacant): enter(uuid, isConnected, isVacant)
        case .placed(let own, let uuid, let isConnected, let listed): placed(own, uuid, isConnected, listed)
        case .created(let result, let isFirst): created(result, isFirst)
        case .listed(let step, let result): if step == self.step { listed(result) } else { surveyed(result) }
        case .parentsMade(step, let result): parentsMade(result)
        case .watched(let name, let result): watched(name, result)
        case .changed(let name, let kind): changed(name, kind)
        case .revocationRequested(let name, let request): asked(name, request)
        case .looked(step, let result): looked(result)
        case .predecessorYielded(let name): predecessorYielded(name)
        case .poked(let name, let result): poked(name, result)
        case .downgrade: downgrade()
        case .replaced(let name, let result): replaced(name, result)
        case .proved(step, let result): proved(result)
        case .ownNodeGone: ownNodeGone()
        case .nodeGone(let name): nodeGone(name)
        case .leaseEnded(let reason): leaseEnded(reason)
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
        case .parentsMade, .looked, .proved, .barrierPassed, .nodeRead: break
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
        case .enter where isPlaced:
            displace()
        case .enter:
            // It may be another one by now, with somebody's data.
            parentIsOurs = nil
            (parentPermits, parentRefusal) = (nil, nil)
            poke = nil
            phase = .entering(created: nil, listed: nil)
            actions.append(.create(prefix: policy.prefix(uuid: uuid)))
            firstNode = nil
            if !isVacant { list() }
        case .makeParents:
            phase = .makingParents
            actions.append(.makeParents(step: step))
        case .list(let own):
            phase = .listing(own)
            list()
        case .listAndWatch(let own):
            phase = .listing(own)
            watches[Self.everybody] = .asked(byExists: false)
            actions.append(.listAndWatch(step: step))
        case .prove(let own):
            phase = .proving(own)
            actions.append(.prove(own, step: step))
        case .recover(let isSecondLook):
            phase = .recovering(passed: nil, listed: nil, isSecondLook: isSecondLook)
            actions += [.barrier(step: step), .list(step: step)]
        case .adopt(let name, let queue):
            phase = .adopting(name: name, queue: queue)
            actions.append(.readNode(name, step: step))
        }
    }

    /// Of a semaphore the parent is read first, until that has told how many permits there are.
    mutating func list() {
        if policy.isCounted, parentPermits == nil { actions.append(.look(step: step)) }
        actions.append(.list(step: step))
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
            case .waiting, .held: watchWhatMatters()
            default: break
            }
        }
        pokeIfDue()
        replaceIfDue()
        removeStrays()
    }

    // MARK: The session

    private mutating func connected() {
        isConnected = true
        switch phase {
        case .stalled(let next): take(next)
        case .waiting(let wait): resume(wait)
        case .front(let own): take(.list(own))
        case .held: watchWhatMatters()
        default: break
        }
        pokeIfDue()
        replaceIfDue()
        removeStrays()
    }

    private mutating func suspended() {
        isConnected = false
        if !rules.keepsArmsAcrossConnections { watches = Watches() }
        // The clean-up may take as long as the session does; nobody should have to wait for that.
        depart()
    }

    private mutating func sessionEnded(_ code: ZooKeeperError.Code) {
        isConnected = false
        strays = [:]
        watches = Watches()
        hasWaited = false
        poke = nil
        dropReplacement(RequestFailure(code))
        switch phase {
        case .ended:
            return
        case .betweenSessions where code == .sessionExpired:
            return
        case .held(_, let isLost):
            if !isLost { actions.append(.lose(LossReason(code))) }
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
