import Locking
import Logging
import ZooKeeper

/// Drives one ``QueueMachine``: carries its actions out against the session, and brings back what came of them.
///
/// Events are handled one at a time, on whichever thread brings them (a task's, one of the C client's, the timer's): who finds the
/// machine busy leaves the event and goes. So nothing hops between threads on the way from an answer to the next request, and
/// actions are carried out in the order in which the machine gave them.
final class Contender: Sendable {
    /// What an acquire comes to.
    enum Outcome: Sendable {
        case granted(QueueMachine.Own)
        // A contender has room for this as long as it lives, and hardly any departs without a lock.
        indirect case departed(QueueMachine.Departure, QueueView.Ahead?)
    }

    struct Core {
        var machine: QueueMachine
        var inbox: [(event: QueueMachine.Event, entry: Int?)] = []
        /// How often the queue was entered: once for each session.
        var entry = 0
        /// The one that there is now.
        var visit: Visit?
        /// The entry whose machine has not been told of it yet, and what its session has told meanwhile: that comes behind.
        var arrival: (entry: Int, news: [Session.Event])?
        /// What was written into its znode, for those who may have to write it again.
        var record: [UInt8] = []
        var session: Session?
        var observer: Session.ObserverID?
        var holding: Holding?
        /// Where the contender hears of a predecessor of its own session; see ``QueueMachine/awaited``.
        var ear: Ear?
        /// All that were asked for in this session. None is forgotten before the end: a later one on the same node may not be set yet.
        var watches = Few<WatchID>()
        var isBusy = false
        var isReleased = false
        var waiting = Waiting()

        /// Makes room for it, where there is none yet.
        mutating func hold() -> Holding {
            if let holding { return holding }
            let holding = Holding()
            self.holding = holding
            return holding
        }

        /// Whether that entry is neither over nor an earlier one.
        func isIn(_ entry: Int) -> Bool { entry == self.entry && visit != nil }

        /// Ahead of all that others have brought, which may be news of what this is about. For the thread that keeps the machine busy.
        mutating func putFirst(_ event: QueueMachine.Event, of entry: Int) {
            inbox.insert((event, entry), at: 0)
        }

        /// The session keeps alive what the machine has at stake now.
        var isStakeKept: Bool {
            guard let kept = holding?.stake else { return session == nil || machine.stake == nil }
            return kept.session === session && kept.stake == machine.stake
        }

        /// The contender listens for whom the machine waits for now.
        var isEarKept: Bool {
            guard let ear else { return session == nil || machine.awaited == nil }
            return ear.session === session && ear.id.node == machine.awaited
        }
    }

    let entrance: QueueEntrance
    /// Where there are several queues: it has the machine, and the one in here stands idle.
    let group: MultiLockDriver?
    private let onPosition: (@Sendable (QueuePosition) -> Void)?
    /// Of one that the tasks of a process share.
    let onReport: (@Sendable (Report) -> Void)?
    let core: Locked<Core>

    init(
        _ entrance: QueueEntrance, group: MultiLockDriver? = nil, onlyIfAvailable: Bool,
        onPosition: (@Sendable (QueuePosition) -> Void)?, onReport: (@Sendable (Report) -> Void)? = nil
    ) {
        self.entrance = entrance
        self.group = group
        self.onPosition = onPosition
        self.onReport = onReport
        core = Locked(Core(machine: QueueMachine(onlyIfAvailable: onlyIfAvailable, policy: entrance.policy)))
    }

    var client: ZooKeeperClient { entrance.client }
    var path: NodePath { entrance.path }
    var policy: QueuePolicy { entrance.policy }
    var options: DistributedLock.Options { entrance.options }

    // MARK: What the recipe asks for

    /// Enters the queue in the client's current session, or in its next one.
    func enter() {
        client.whenSession { [self] session in
            switch session {
            case .success(let session): enter(session)
            case .failure(let error): post(.sessionEnded(error.code), of: nil)
            }
        }
    }

    private func enter(_ session: Session) {
        // What earlier sessions still have to say is of no interest from here on; see `post`.
        let entry = core.withLock { core in
            core.entry += 1
            core.arrival = (core.entry, [])
            return core.entry
        }
        // The session holds on to the contender, whose clean-up may outlive everybody who cared, until the machine has ended.
        let visit = Visit(self, entry: entry)
        let (observer, link) = session.observe { visit.contender.sessionChanged($0, visit.entry) }
        let superseded = core.withLock { core -> (Session?, Session.ObserverID?) in
            // This session has ended by now, and the next one was there before this thread got on.
            guard core.entry == entry else { return (session, observer) }
            let previous = (core.session, core.observer)
            core.session = session
            core.observer = observer
            core.visit = visit
            core.watches = Few()
            return previous
        }
        if let session = superseded.0, let observer = superseded.1 { session.removeObserver(observer) }
        let uuid = policy.naming.identifier(RandomUUID.next())
        let isVacant = group.map { $0.countsOnVacancy(session) } ?? session.countsOnVacancy(at: path)
        post(.enter(uuid: uuid, isConnected: link == .connected, isVacant: isVacant), of: entry)
        // It may have ended before the observer was there.
        if case .ended(let code) = link { post(.sessionEnded(code), of: entry) }
        while let event = nextOfArrival(entry) { tell(event, entry) }
    }

    /// What the session has told since it was entered; when there is no more, its events come by themselves.
    private func nextOfArrival(_ entry: Int) -> Session.Event? {
        core.withLock { core in
            guard let arrival = core.arrival, arrival.entry == entry else { return nil }
            guard let event = arrival.news.first else {
                core.arrival = nil
                return nil
            }
            core.arrival?.news.removeFirst()
            return event
        }
    }

    var state: (loss: LossReason?, isReleased: Bool) {
        core.withLock { ($0.holding?.loss, $0.isReleased) }
    }

    /// Calls `handler` once when the lease is lost, at once if it is already.
    @discardableResult
    func onLoss(_ handler: @escaping @Sendable (LossReason) -> Void) -> Int {
        let (loss, key) = core.withLock { core in
            let holding = core.hold()
            holding.nextLossHandler += 1
            if holding.loss == nil { holding.lossHandlers[holding.nextLossHandler] = handler }
            return (holding.loss, holding.nextLossHandler)
        }
        if let loss { handler(loss) }
        return key
    }

    func forgetLossHandler(_ key: Int) {
        let handler = core.withLock { $0.holding?.lossHandlers.removeValue(forKey: key) }
        _ = handler
    }

    // MARK: Events in, actions out

    private func sessionChanged(_ event: Session.Event, _ entry: Int) {
        let isEarly = core.withLock { core in
            guard core.arrival?.entry == entry else { return false }
            core.arrival?.news.append(event)
            return true
        }
        if !isEarly { tell(event, entry) }
    }

    private func tell(_ event: Session.Event, _ entry: Int) {
        switch event {
        case .connected:
            post(.connected, of: entry)
            core.withLock { $0.holding?.listeners }?.tell(.restored)
        case .suspended:
            post(.suspended, of: entry)
            core.withLock { $0.holding?.listeners }?.tell(.suspended)
        case .ended(let code): post(.sessionEnded(code), of: entry)
        }
    }

    /// - Parameter entry: the entry into the queue that the event belongs to. While a session ends, another thread may have entered
    ///   in the next one already; answers of the old one then come too late to matter. `nil` for what comes from outside.
    ///
    /// Whoever waits goes on when nothing is left to do for anybody: a release that found the machine busy would be left to this thread, and
    /// what its caller asks for next would overtake it on the way to the servers.
    func post(_ event: QueueMachine.Event, of entry: Int? = nil) {
        if let group { return group.postToAll(event, of: entry, for: self) }
        var work = core.withLock { core -> Work? in
            guard core.isBusy else {
                core.isBusy = true
                return handle(event, entry, &core)
            }
            core.inbox.append((event, entry))
            return nil
        }
        var settled: UnsafeContinuation<Void, Never>?
        var afterwards: [@Sendable () -> Void] = []
        while let next = work {
            if next.changesStake { keepStake(next.session, next.entry) }
            if next.changesEar { keepEar(next.session, next.entry) }
            for action in next.actions { perform(action, next.session, next.entry) }
            work = core.withLock { core in
                guard let (event, entry) = core.inbox.first else {
                    core.isBusy = false
                    // Thousands may wait, and have no use for the room.
                    core.inbox = []
                    if let holding = core.holding {
                        settled = holding.takeSettled()
                        swap(&afterwards, &holding.afterwards)
                    }
                    return nil
                }
                core.inbox.removeFirst()
                return handle(event, entry, &core)
            }
        }
        settled?.resume()
        for body in afterwards { body() }
    }

    /// What an event led to.
    private struct Work {
        var actions: [QueueMachine.Action]
        var session: Session?
        var entry: Int
        var changesStake = false
        var changesEar = false
    }

    private func handle(_ event: QueueMachine.Event, _ entry: Int?, _ core: inout Core) -> Work {
        guard entry.map({ $0 == core.entry }) ?? true else {
            return Work(actions: [], session: core.session, entry: core.entry)
        }
        let isValid = core.session?.standing.isValid(at: .now, confirmed: options.waitsForConfirmedLease) ?? false
        let actions = core.machine.handle(event, leaseIsValid: isValid)
        // What most events leave as it was, and is cheaper looked at here than asked for again.
        return Work(
            actions: actions, session: core.session, entry: core.entry, changesStake: !core.isStakeKept,
            changesEar: !core.isEarKept)
    }

    /// Tells the session what to keep alive, ahead of the grant and of the release.
    private func keepStake(_ session: Session?, _ entry: Int) {
        // One thread at a time gets here; see `post`.
        let (old, wanted) = core.withLock { ($0.holding?.stake, session == nil ? nil : $0.machine.stake) }
        var new: Stake?
        if let wanted, let session {
            let node = path.appending(unchecked: wanted.own.name)
            let onEnd: (@Sendable (Session.StakeEnd) -> Void)? =
                wanted.isHeld ? { @Sendable [weak self] in self?.stakeEnded($0, wanted.own.name, entry) } : nil
            new = Stake(id: session.addStake(on: node, onEnd: onEnd), session: session, stake: wanted)
        }
        if old != nil || new != nil { core.withLock { $0.hold().stake = new } }
        if let old { old.session.removeStake(old.id) }
    }

    /// Listens for a predecessor of the same session, whose turn ends before the servers know.
    private func keepEar(_ session: Session?, _ entry: Int) {
        let (old, wanted, visit) = core.withLock { ($0.ear, session == nil ? nil : $0.machine.awaited, $0.visit) }
        if let old { old.session.announcements.stopListening(old.id) }
        var new: Ear?
        if let wanted, let session, let visit, visit.entry == entry {
            let id = session.announcements.listen(to: wanted) {
                visit.contender.post(.predecessorYielded($0), of: visit.entry)
            }
            new = Ear(id: id, session: session)
        }
        core.withLock { $0.ear = new }
    }

    private func stakeEnded(_ end: Session.StakeEnd, _ name: String, _ entry: Int) {
        switch end {
        case .leaseEnded: post(.leaseEnded(.leaseExpired), of: entry)
        case .nodeIsGone: post(.nodeGone(name), of: entry)
        }
    }

    private func perform(_ action: QueueMachine.Action, _ session: Session?, _ entry: Int) {
        switch action {
        case .tellPosition(let own, let view):
            onPosition?(
                QueuePosition(
                    node: path.appending(unchecked: own.name), fencingToken: FencingToken(rawValue: own.czxid),
                    ahead: view.ahead, predecessor: view.predecessor.map { path.appending(unchecked: $0.string) }))
        case .grant(let own):
            grant(own)
        case .lose(let reason):
            tellLoss(reason)
        case .tellDowngrade(let result):
            let promise = core.withLock { core in
                if case .success(let own) = result { core.holding?.own = own }
                defer { core.holding?.downgrade = nil }
                return core.holding?.downgrade
            }
            promise?.resolve(result.map { _ in })
        case .tellRevocation(let request):
            tellRevocation(request)
            onReport?(.revoked)
        case .depart(let departure, let ahead):
            settle(.departed(departure, ahead))
            endRelease()
        case .awaitSession:
            enter()
        case .leaveBehind(let name, let failure):
            client.configuration.logger.error(
                "a contender could not be removed; it stays until the session ends",
                metadata: ["path": "\(path)", "node": "\(name)", "reason": "\(failure.code)"])
        case .cannotPoke(let name, let failure):
            client.configuration.logger.error(
                "a semaphore's contender may not write to its own node: whoever is behind may learn late that permits are free",
                metadata: ["path": "\(path)", "node": "\(name)", "reason": "\(failure.code)"])
        case .end:
            end()
        case .pause(let pause, let step):
            TimerThread.shared.schedule(at: .now + length(of: pause, session)) {
                self.post(.paused(step: step), of: entry)
            }
        case .yield(let own):
            session?.announcements.announce(own.name)
        case .create, .list, .listAndWatch, .makeParents, .watch, .look, .poke, .replace, .prove, .barrier, .readNode,
            .delete:
            if let session { request(action, session, entry) }
        case .displaced:
            // Of a machine that never enters by itself; see ``MultiLockMachine``.
            break
        }
    }

    // MARK: What the machine says

    func grant(_ own: QueueMachine.Own) {
        core.withLock { core in
            let holding = core.hold()
            holding.grantedAt = .now
            holding.own = own
        }
        // From now on, not from when the task gets on: it may be the very one that is stuck. Of a shared one each turn has its own.
        if onReport == nil, let limit = options.maximumHold { limitHold(to: limit) }
        settle(.granted(own))
    }

    func tellLoss(_ reason: LossReason) {
        let (handlers, listeners) = core.withLock { core in
            let holding = core.hold()
            holding.loss = reason
            defer { holding.lossHandlers = [:] }
            return (holding.lossHandlers, holding.listeners)
        }
        // Ahead of the cancellation of the body, which may be about to hear of it.
        listeners.tell(.lost(reason))
        listeners.finish()
        for handler in handlers.values { handler(reason) }
    }

    func tellRevocation(_ request: RevocationRequest) {
        let listeners = core.withLock { core in
            let holding = core.hold()
            holding.revocation = request
            return holding.listeners
        }
        listeners.tell(.revocationRequested(request))
    }

    func end() {
        endRelease()
        let (observation, watches, listeners) = core.withLock { core in
            defer { (core.observer, core.watches, core.visit) = (nil, Few(), nil) }
            return ((core.session, core.observer), core.watches, core.holding?.listeners)
        }
        listeners?.finish()
        // The node that was waited for may stay for long, with many who come and go in front of it.
        guard let session = observation.0 else { return }
        watches.forEach { session.forgetWatch($0) }
        if let observer = observation.1 { session.removeObserver(observer) }
    }

    func length(of pause: QueueMachine.Pause, _ session: Session?) -> Duration {
        switch pause {
        case .backOff(let attempt): min(.seconds(1), .milliseconds(10) * (1 << min(attempt, 7)))
        case .untilStragglersAreGone: (session?.timeout ?? client.configuration.sessionTimeout) / 3
        case .untilNextProof: (session?.timeout ?? client.configuration.sessionTimeout) / 12
        }
    }
}
