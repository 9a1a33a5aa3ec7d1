import ZooKeeper

/// Waiting in all queues, each by its own machine, until this contender is at the head of the last one.
extension MultiLockMachine {
    /// The contender's nodes, one in each queue.
    var nodes: [Node] {
        queues.indices.compactMap { queue in places[queue].map { Node(queue: queue, name: $0) } }
    }

    mutating func forgetPlaces() {
        lastQueueStep = max(lastQueueStep, queues.map(\.step).max() ?? 0)
        (queues, places, heads) = ([], [:], [])
        isDisplaced = false
        revocation = nil
    }

    /// The queues are entered: a machine for each takes it from here.
    mutating func place(_ names: [String], _ listed: [Result<QueueListing, RequestFailure>], czxid: Int64) {
        attempts = 0
        parentAttempts = 0
        self.czxid = czxid
        forgetPlaces()
        become(.waiting)
        for (queue, name) in names.enumerated() {
            var machine = QueueMachine(
                onlyIfAvailable: onlyIfAvailable, isPlaced: !rules.reentersAlone, policy: policy)
            // Answers to what the machines before this one asked are not for this one.
            machine.step = lastQueueStep + 1
            queues.append(machine)
            places[queue] = name
        }
        for (queue, name) in names.enumerated() {
            let own = QueueMachine.Own(name: name, czxid: czxid)
            tell(.placed(own, uuid: uuid, isConnected: isConnected, listed[queue]), to: queue)
        }
        settle()
    }

    mutating func pass(_ event: QueueMachine.Event, to queue: Int) {
        guard queues.indices.contains(queue) else { return }
        tell(event, to: queue)
        settle()
    }

    private mutating func passToAll(_ event: QueueMachine.Event) {
        for queue in queues.indices { tell(event, to: queue) }
        settle()
    }

    /// A machine is told that the lease is valid whether it is or not: that is looked at once, when all are at the head.
    private mutating func tell(_ event: QueueMachine.Event, to queue: Int) {
        if rules.reentersAlone, case .created(.success(let own), _) = event { places[queue] = own.name }
        for action in queues[queue].handle(event) {
            switch action {
            case .grant:
                heads.insert(queue)
                newHeads.insert(queue)
            case .displaced:
                isDisplaced = true
            case .lose(let reason):
                // The node of a head is gone.
                isHeld ? lose(reason) : (isDisplaced = true)
            case .tellRevocation(let request):
                revocation = request
                if isHeld { actions.append(.tellRevocation(request)) }
            case .list, .listAndWatch, .watch, .look, .pause, .tellPosition:
                actions.append(.inQueue(queue, action))
            case .create, .makeParents, .barrier, .readNode:
                if rules.reentersAlone { actions.append(.inQueue(queue, action)) }
            case .poke, .replace, .tellDowngrade, .prove, .delete, .yield, .depart, .awaitSession,
                .leaveBehind, .cannotPoke, .end:
                // Whatever concerns the whole is decided for the whole.
                break
            }
        }
    }

    private var isInQueues: Bool {
        switch phase {
        case .waiting, .proving, .stalled(.prove), .resting(.prove): true
        default: false
        }
    }

    /// What it means for the whole that this or that has happened in one queue.
    private mutating func settle() {
        guard isInQueues else { return }
        if let queue = queues.firstIndex(where: { $0.departure != nil }) {
            departure = queues[queue].departure
            culprit = queue
            return leave(nodes)
        }
        // Some of the nodes are left, or a second one is there: look, give up all places, and enter anew.
        if isDisplaced { return take(.recover(isSecondLook: false)) }
        guard case .waiting = phase, heads.count == count else { return }
        // Who came to a queue's head earlier watches its node there, in this connection; or else it may be gone.
        let isSure = heads.allSatisfy { newHeads.contains($0) || queues[$0].watchesOwnNode }
        isSure && leaseIsValid ? grant() : take(.prove)
    }

    private mutating func grant() {
        become(.held(isLost: false))
        actions.append(.grant(nodes, czxid: czxid))
        if let revocation { actions.append(.tellRevocation(revocation)) }
    }

    mutating func proved(_ result: Result<Void, RequestFailure>) {
        guard case .proving = phase else { return }
        switch result {
        case .success where leaseIsValid:
            grant()
        case .success:
            become(.resting(.prove))
            pause(.untilNextProof)
        case .failure(let failure) where failure.code == .noNode:
            take(.recover(isSecondLook: false))
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            takeAgain(.prove)
        case .failure(let failure):
            departure = .failed(failure, operation: "check")
            culprit = failure.failedOperation
            leave(nodes)
        }
    }

    // MARK: The session

    mutating func connected() {
        isConnected = true
        passToAll(.connected)
        if case .stalled(let next) = phase { take(next) }
        removeStrays()
    }

    mutating func suspended() {
        isConnected = false
        passToAll(.suspended)
        // The clean-up may take as long as the session does; nobody should have to wait for that.
        depart()
    }

    mutating func sessionEnded(_ code: ZooKeeperError.Code) {
        isConnected = false
        strays = [:]
        let before = phase
        switch before {
        case .ended:
            return
        case .betweenSessions where code == .sessionExpired:
            return
        case .held(let isLost):
            if !isLost { actions.append(.lose(LossReason(code))) }
            finish()
        case _ where departure != nil:
            finish()
        case _ where code == .sessionExpired:
            // All places are gone, and are taken anew together.
            forgetPlaces()
            become(.betweenSessions)
            actions.append(.awaitSession)
        default:
            departure = .failed(RequestFailure(code), operation: "acquire")
            finish()
        }
    }

    // MARK: The lease

    mutating func nodeGone(_ node: Node) {
        guard places[node.queue] == node.name else { return }
        pass(.nodeGone(node.name), to: node.queue)
    }

    mutating func leaseEnded(_ reason: LossReason) {
        if isHeld { lose(reason) }
    }

    private mutating func lose(_ reason: LossReason) {
        become(.held(isLost: true))
        actions.append(.lose(reason))
    }

    struct Stake: Hashable, Sendable {
        var nodes: [Node]
        var isHeld: Bool
    }

    /// The nodes that the session should prove to live in short intervals: all of a holder's. Of whoever may be granted without another
    /// question one does: what counts for it is the session.
    var stake: Stake? {
        switch phase {
        case .held(isLost: false): Stake(nodes: nodes, isHeld: true)
        case .proving: Stake(nodes: Array(nodes.prefix(1)), isHeld: false)
        case .waiting where queues.allSatisfy { $0.stake != nil }: Stake(nodes: Array(nodes.prefix(1)), isHeld: false)
        default: nil
        }
    }

    /// The nodes that are waited for.
    var awaited: [Node] {
        guard case .waiting = phase else { return [] }
        return queues.indices.compactMap { queue in queues[queue].awaited.map { Node(queue: queue, name: $0) } }
    }
}

extension QueueMachine {
    /// In this connection: its removal would have been told.
    fileprivate var watchesOwnNode: Bool {
        guard case .held(let own, _) = phase else { return false }
        return watches[own.name] == .set
    }
}
