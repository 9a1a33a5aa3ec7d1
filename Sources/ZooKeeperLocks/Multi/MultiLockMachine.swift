import ZooKeeper

/// One contender's way through several queues at once, as a pure value like the ``QueueMachine``: events in, actions out.
///
/// One transaction creates a node in every queue. So one number, its zxid, orders this contender against each other one in all queues alike:
/// whoever is ahead in one queue is ahead in all that the two have in common, and nobody waits in a circle. That holds only as long as all
/// nodes are taken together, while nothing is held. So a place that is lost in one queue is given up in all of them, and a new transaction
/// takes all again, at the back: the machine of one queue, which is *placed*, never enters by itself.
///
/// Each queue is waited for by a ``QueueMachine`` of its own, so others in it see a contender like any other. The whole is held when this
/// contender is at the head of every queue.
struct MultiLockMachine: Sendable {
    /// What the transaction that enters has made.
    struct Entered: Hashable, Sendable {
        /// One in each queue.
        var names: [String]
        /// All nodes have the same. `nil` when the answer did not tell.
        var czxid: Int64?
    }

    /// One of the contender's znodes.
    struct Node: Hashable, Sendable {
        var queue: Int
        var name: String
    }

    enum Event: Sendable {
        /// Begin, in the session that there is now. `uuid` was never used before. `isVacant`: nobody else is expected in any queue.
        case enter(uuid: String, isConnected: Bool, isVacant: Bool = false)
        /// `isFirst`: it is known that nobody is ahead in any queue.
        case created(Result<Entered, RequestFailure>, isFirst: Bool = false)
        case listed(step: Int, queue: Int, Result<QueueListing, RequestFailure>)
        case looked(step: Int, Result<StripeLayout?, RequestFailure>)
        case parentMade(step: Int, queue: Int, Result<Void, RequestFailure>)
        case identified(step: Int, Result<(czxid: Int64, isOurs: Bool), RequestFailure>)
        case barrierPassed(step: Int, Result<Void, RequestFailure>)
        case proved(step: Int, Result<Void, RequestFailure>)
        case removedAll(Result<Void, RequestFailure>)
        case removed(Node, Result<Void, RequestFailure>)
        /// What happens to the contender in one queue.
        case inQueue(Int, QueueMachine.Event)
        case nodeGone(Node)
        case leaseEnded(LossReason)
        case paused(step: Int)
        case connected
        case suspended
        case sessionEnded(ZooKeeperError.Code)
        case giveUp(QueueMachine.Departure)
        case patienceEnded
        case release
    }

    enum Action: Hashable, Sendable {
        /// In one transaction: create a node in each queue. In the same breath, without waiting for the answer, comes a `list`, unless
        /// nobody else is expected.
        case create(uuid: String)
        /// All queues.
        case list(step: Int)
        /// Read what the stripes' path says of them.
        case look(step: Int)
        /// Of all queues.
        case makeParents(step: Int)
        /// Learn the number of the transaction that created the node.
        case identify(Node, step: Int)
        /// A write that changes nothing, decided by a quorum; see ``QueueMachine/Action/barrier(step:)``.
        case barrier(step: Int)
        /// A write that shows that the session lives, and all those nodes in it.
        case prove([Node], step: Int)
        /// In one transaction. `recording`: leave word in those queues' parents that this node was the head. `first`: nobody was ahead there.
        case removeAll([Node], recording: [Int], first: [Int] = [])
        case remove(Node)
        /// What the machine of one queue asks for.
        case inQueue(Int, QueueMachine.Action)
        case pause(QueueMachine.Pause, step: Int)
        case grant([Node], czxid: Int64)
        case lose(LossReason)
        case tellRevocation(RevocationRequest)
        /// `queue`: the one that it was about, where it was one.
        case depart(QueueMachine.Departure, queue: Int?, QueueView.Ahead?)
        case awaitSession
        case leaveBehind(Node, RequestFailure)
        case end
    }

    enum Step: Hashable, Sendable {
        case enter
        case makeParents
        case recover(isSecondLook: Bool)
        case prove
    }

    /// The answers to what is asked along with the entry, or with the barrier.
    struct Look: Sendable {
        var listed: [Result<QueueListing, RequestFailure>?]
        /// Not asked for where there are no stripes.
        var layout: Result<StripeLayout?, RequestFailure>?

        var all: [Result<QueueListing, RequestFailure>]? {
            let all = listed.compactMap { $0 }
            return layout != nil && all.count == listed.count ? all : nil
        }
    }

    enum Phase: Sendable {
        case idle
        /// A step failed that may succeed later: after a pause, or with the next connection if that comes first.
        case stalled(Step)
        /// A step that must not come before the pause is over.
        case resting(Step)
        case entering(created: Result<Entered, RequestFailure>?, Look)
        case makingParents([Result<Void, RequestFailure>?])
        case identifying(names: [String], Look)
        case recovering(passed: Result<Void, RequestFailure>?, Look, isSecondLook: Bool)
        /// In all queues; see ``queues``.
        case waiting
        /// At the head of all, but the lease is not valid, or it is not known whether all nodes are still there.
        case proving
        /// `isLost`: the lease is over, some of the nodes may not be.
        case held(isLost: Bool)
        /// `isReturning`: and then enters again.
        case leaving(isReturning: Bool)
        case betweenSessions
        case ended
    }

    /// How many there are.
    let count: Int
    let onlyIfAvailable: Bool
    /// What the stripes' path has to say, where the locks are stripes.
    let layout: StripeLayout?
    let rules: MultiLockRules
    let policy: QueuePolicy
    private(set) var phase = Phase.idle
    var uuid = ""
    /// The entry does without listings, if it is told then that nobody is ahead.
    var isVacant = false
    var isConnected = false
    /// Rises with every question, so that an answer to an older one is told apart.
    var step = 0
    /// Failures in a row.
    var attempts = 0
    var parentAttempts = 0
    var departure: QueueMachine.Departure?
    /// The queue that the departure is about.
    var culprit: Int?
    var hasDeparted = false
    /// Nodes to be removed, and whether that is under way.
    var strays: [Node: Bool] = [:]
    /// The machine of each queue, from the moment on that all places are known.
    var queues: [QueueMachine] = []
    /// The contender's node in each of them.
    var places: [Int: String] = [:]
    /// Beyond the questions of all machines that there have been.
    var lastQueueStep = 0
    /// The queues that this contender is at the head of.
    var heads: Set<Int> = []
    /// Those of them in which that is known from the event at hand.
    var newHeads: Set<Int> = []
    var isDisplaced = false
    var czxid: Int64 = 0
    var leaseIsValid = true
    var lastLook: (queue: Int, ahead: QueueView.Ahead)?
    var revocation: RevocationRequest?
    var actions: [Action] = []

    init(
        count: Int, onlyIfAvailable: Bool, policy: QueuePolicy = .exclusive, layout: StripeLayout? = nil,
        rules: MultiLockRules = .sound
    ) {
        self.count = count
        self.onlyIfAvailable = onlyIfAvailable
        self.policy = policy
        self.layout = layout
        self.rules = rules
    }

    var isEnded: Bool { if case .ended = phase { true } else { false } }
    var isHeld: Bool { if case .held(isLost: false) = phase { true } else { false } }

    mutating func become(_ phase: Phase) { self.phase = phase }

    /// - Parameter leaseIsValid: whether the session may be believed to live right now, with time left to stop.
    mutating func handle(_ event: Event, leaseIsValid: Bool = true) -> [Action] {
        self.leaseIsValid = leaseIsValid
        newHeads = []
        switch event {
        case .enter(let uuid, let isConnected, let isVacant): enter(uuid, isConnected, isVacant)
        case .created(let result, let isFirst): created(result, isFirst)
        case .listed(step, let queue, let result): looked { $0.listed[queue] = result }
        case .looked(step, let result): looked { $0.layout = result }
        case .parentMade(step, let queue, let result): parentMade(queue, result)
        case .identified(step, let result): identified(result)
        case .barrierPassed(step, let result): barrierPassed(result)
        case .proved(step, let result): proved(result)
        case .removedAll(let result): removedAll(result)
        case .removed(let node, let result): removed(node, result)
        case .inQueue(let queue, let event): pass(event, to: queue)
        case .nodeGone(let node): nodeGone(node)
        case .leaseEnded(let reason): leaseEnded(reason)
        case .paused(let step): paused(step)
        case .connected: connected()
        case .suspended: suspended()
        case .sessionEnded(let code): sessionEnded(code)
        case .giveUp(let departure): giveUp(departure)
        case .patienceEnded: depart()
        case .release: release()
        case .listed, .looked, .parentMade, .identified, .barrierPassed, .proved: break
        }
        defer { actions = [] }
        return actions
    }

    // MARK: One step after the other

    mutating func take(_ next: Step) {
        step += 1
        switch next {
        case .enter:
            forgetPlaces()
            become(.entering(created: nil, blank))
            actions.append(.create(uuid: uuid))
            look()
        case .makeParents:
            become(.makingParents(Array(repeating: nil, count: count)))
            actions.append(.makeParents(step: step))
        case .recover(let isSecondLook):
            forgetPlaces()
            become(.recovering(passed: nil, blank, isSecondLook: isSecondLook))
            actions.append(.barrier(step: step))
            look()
        case .prove:
            become(.proving)
            actions.append(.prove(nodes, step: step))
        }
    }

    private var blank: Look {
        Look(listed: Array(repeating: nil, count: count), layout: layout == nil ? .success(nil) : nil)
    }

    private mutating func look() {
        if layout != nil { actions.append(.look(step: step)) }
        if !isVacant { actions.append(.list(step: step)) }
    }

    /// Takes a step again that failed and may succeed later: after a pause that grows, or with the next connection.
    mutating func takeAgain(_ next: Step) {
        become(.stalled(next))
        attempts += 1
        pause(.backOff(attempt: attempts))
    }

    mutating func pause(_ pause: QueueMachine.Pause) {
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
}

/// What the freedom from deadlock rests on. Only ``sound`` is ever used; the simulation swaps a rule and has to notice.
struct MultiLockRules: Hashable, Sendable {
    /// Whose node was removed from one queue enters that one again, and keeps its places in the others.
    var reentersAlone = false

    static let sound = MultiLockRules()
}
