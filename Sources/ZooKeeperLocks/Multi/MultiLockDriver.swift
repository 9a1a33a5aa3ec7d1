import Locking
import Logging
import ZooKeeper

/// Drives a ``MultiLockMachine`` on behalf of a ``Contender``, which waits, holds and is released like any other.
///
/// As the contender does with the machine of one queue: events are handled one at a time, on whichever thread brings them.
final class MultiLockDriver: Sendable {
    struct Core {
        var machine: MultiLockMachine
        var inbox: [(event: MultiLockMachine.Event, entry: Int?)] = []
        var isBusy = false
        /// What the session keeps alive; see ``MultiLockMachine/stake``.
        var stakes: Stakes?
        var ears: [Ear] = []
        /// By which it holds.
        var held: [MultiLockMachine.Node] = []
        /// The queue that the departure is about.
        var culprit: Int?
    }

    struct Stakes {
        var ids: [Session.StakeID]
        var session: Session
        var stake: MultiLockMachine.Stake
    }

    /// See ``Contender/Ear``. Nodes of one transaction may have the same name in several queues.
    struct Ear {
        var id: Announcements.ListenerID
        var session: Session
        var node: String
    }

    /// What happened meanwhile, to be carried out.
    private struct Work {
        var actions: [MultiLockMachine.Action]
        var session: Session?
        var entry: Int
    }

    let paths: [NodePath]
    let stripes: (path: NodePath, layout: StripeLayout)?
    let onPosition: (@Sendable (QueuePosition) -> Void)?
    let core: Locked<Core>

    init(
        _ paths: [NodePath], stripes: (path: NodePath, layout: StripeLayout)?, onlyIfAvailable: Bool,
        policy: QueuePolicy, onPosition: (@Sendable (QueuePosition) -> Void)?
    ) {
        self.paths = paths
        self.stripes = stripes
        self.onPosition = onPosition
        core = Locked(
            Core(
                machine: MultiLockMachine(
                    count: paths.count, onlyIfAvailable: onlyIfAvailable, policy: policy, layout: stripes?.layout)))
    }

    var isEnded: Bool { core.withLock { $0.machine.isEnded } }

    /// The znodes by which it holds, in the order of the paths.
    var nodes: [NodePath] { core.withLock(\.held).map(path) }

    /// The path that a departure is about.
    var departed: NodePath { core.withLock(\.culprit).map { paths[$0] } ?? paths[0] }

    func path(_ node: MultiLockMachine.Node) -> NodePath { paths[node.queue].appending(unchecked: node.name) }

    // MARK: Events in, actions out

    /// What happens to all queues at once, in the words of one.
    func postToAll(_ event: QueueMachine.Event, of entry: Int?, for contender: Contender) {
        let event: MultiLockMachine.Event? =
            switch event {
            case .enter(let uuid, let isConnected, let isVacant):
                .enter(uuid: uuid, isConnected: isConnected, isVacant: isVacant)
            case .connected: .connected
            case .suspended: .suspended
            case .sessionEnded(let code): .sessionEnded(code)
            case .giveUp(let departure): .giveUp(departure)
            case .patienceEnded: .patienceEnded
            case .release: .release
            case .leaseEnded(let reason): .leaseEnded(reason)
            // Whichever of those that are called so: without any one of them the lease is lost.
            case .nodeGone(let name):
                core.withLock { $0.held.first { $0.name == name } }.map { .nodeGone($0) }
            default: nil
            }
        if let event { post(event, of: entry, for: contender) }
    }

    func post(_ event: MultiLockMachine.Event, of entry: Int? = nil, for contender: Contender) {
        let isFirst = core.withLock { core in
            core.inbox.append((event, entry))
            defer { core.isBusy = true }
            return !core.isBusy
        }
        guard isFirst else { return }
        var settled: UnsafeContinuation<Void, Never>?
        while let work = next(contender, &settled) {
            keepStakes(work, contender)
            keepEars(work, contender)
            for action in work.actions { perform(action, work.session, work.entry, contender) }
        }
        settled?.resume()
    }

    /// - Parameter settled: whoever has to go on when there is no more. Taken while no other thread can make the machine busy again; see
    ///   ``Contender/post(_:of:)``.
    private func next(_ contender: Contender, _ settled: inout UnsafeContinuation<Void, Never>?) -> Work? {
        while true {
            let (work, goesOn) = core.withLock { core -> (Work?, Bool) in
                guard let (event, entry) = core.inbox.first else {
                    core.isBusy = false
                    settled = contender.core.withLock { $0.holding?.takeSettled() }
                    return (nil, false)
                }
                core.inbox.removeFirst()
                // Not before the event was taken: it may be the first one of an entry that was not there before.
                let (session, current) = contender.core.withLock { ($0.session, $0.entry) }
                // While a session ends, another thread may have entered in the next one; answers of the old one come too late to matter.
                guard entry.map({ $0 == current }) ?? true else { return (nil, true) }
                let isValid =
                    session?.standing.isValid(at: .now, confirmed: contender.options.waitsForConfirmedLease) ?? false
                let actions = core.machine.handle(event, leaseIsValid: isValid)
                return (Work(actions: actions, session: session, entry: current), true)
            }
            if work != nil || !goesOn { return work }
        }
    }

    /// Tells the session what to keep alive, ahead of the grant and of the release.
    private func keepStakes(_ work: Work, _ contender: Contender) {
        // One thread at a time gets here; see `post`.
        let (old, wanted) = core.withLock { ($0.stakes, work.session == nil ? nil : $0.machine.stake) }
        if let old, let wanted, old.session === work.session, old.stake == wanted { return }
        var new: Stakes?
        if let wanted, let session = work.session {
            let ids = wanted.nodes.map { node in
                let onEnd: (@Sendable (Session.StakeEnd) -> Void)? =
                    wanted.isHeld
                    ? { @Sendable [weak self, weak contender] end in
                        guard let self, let contender else { return }
                        switch end {
                        case .leaseEnded: post(.leaseEnded(.leaseExpired), of: work.entry, for: contender)
                        case .nodeIsGone: post(.nodeGone(node), of: work.entry, for: contender)
                        }
                    } : nil
                return session.addStake(on: path(node), onEnd: onEnd)
            }
            new = Stakes(ids: ids, session: session, stake: wanted)
        }
        if old != nil || new != nil { core.withLock { $0.stakes = new } }
        if let old { for id in old.ids { old.session.removeStake(id) } }
    }

    /// Listens for predecessors of the same session, whose turns end before the servers know.
    private func keepEars(_ work: Work, _ contender: Contender) {
        let (old, awaited) = core.withLock { ($0.ears, work.session == nil ? [] : $0.machine.awaited) }
        let wanted = Set(awaited.map(\.name))
        if old.isEmpty, wanted.isEmpty { return }
        var ears: [Ear] = []
        for ear in old {
            if ear.session === work.session, wanted.contains(ear.node) {
                ears.append(ear)
            } else {
                ear.session.announcements.stopListening(ear.id)
            }
        }
        if let session = work.session {
            for name in wanted.subtracting(ears.map(\.node)).sorted() {
                let id = session.announcements.listen(to: name) { [weak self, weak contender] _ in
                    guard let self, let contender else { return }
                    for queue in paths.indices {
                        post(.inQueue(queue, .predecessorYielded(name)), of: work.entry, for: contender)
                    }
                }
                ears.append(Ear(id: id, session: session, node: name))
            }
        }
        core.withLock { $0.ears = ears }
    }

    private func perform(
        _ action: MultiLockMachine.Action, _ session: Session?, _ entry: Int, _ contender: Contender
    ) {
        switch action {
        case .grant(let nodes, let czxid):
            core.withLock { $0.held = nodes }
            contender.grant(QueueMachine.Own(name: nodes[0].name, czxid: czxid))
        case .lose(let reason): contender.tellLoss(reason)
        case .tellRevocation(let request): contender.tellRevocation(request)
        case .depart(let departure, let queue, let ahead):
            core.withLock { $0.culprit = queue }
            contender.settle(.departed(departure, ahead))
            contender.endRelease()
        case .awaitSession: contender.enter()
        case .leaveBehind(let node, let failure):
            contender.client.configuration.logger.error(
                "a contender could not be removed; it stays until the session ends",
                metadata: ["path": "\(paths[node.queue])", "node": "\(node.name)", "reason": "\(failure.code)"])
        case .end: contender.end()
        case .pause(let pause, let step):
            TimerThread.shared.schedule(at: .now + contender.length(of: pause, session)) { [self] in
                post(.paused(step: step), of: entry, for: contender)
            }
        case .inQueue(let queue, .pause(let pause, let step)):
            TimerThread.shared.schedule(at: .now + contender.length(of: pause, session)) { [self] in
                post(.inQueue(queue, .paused(step: step)), of: entry, for: contender)
            }
        case .inQueue(_, .yield(let own)):
            session?.announcements.announce(own.name)
        case .inQueue(let queue, .tellPosition(let own, let view)):
            let path = paths[queue]
            onPosition?(
                QueuePosition(
                    node: path.appending(unchecked: own.name), fencingToken: FencingToken(rawValue: own.czxid),
                    ahead: view.ahead, predecessor: view.predecessor.map { path.appending(unchecked: $0.string) }))
        case .create, .list, .look, .makeParents, .identify, .barrier, .prove, .removeAll, .remove, .inQueue:
            if let session { request(action, Course(session: session, entry: entry, contender: contender)) }
        }
    }

    /// In which session, and for whom.
    struct Course: Sendable {
        var session: Session
        var entry: Int
        var contender: Contender

        var options: DistributedLock.Options { contender.options }
        var deadline: ContinuousClock.Instant { .now + contender.client.configuration.requestTimeout }
    }
}
