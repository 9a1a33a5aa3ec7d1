import Locking

/// Keeps the session's lease: asks often enough for ``LeaseClock`` to have something to go by, and tells those who hold when there
/// is nothing to go by any more.
///
/// All this runs on the timer thread, never on Swift's cooperative pool: that may be busy with the very bodies that are to be stopped.
extension Session {
    package struct LeaseSettings: Sendable {
        package var clock = LeaseClock<Uptime>.Configuration()
        /// How long before the end of the lease its holders are told; `nil` for a twentieth of the timeout.
        package var stopMargin: Duration?

        package init() {}
    }

    /// What the session is believed to be, and for how long.
    package struct Standing: Hashable, Sendable {
        /// Later than this the leader may have ended the session.
        package var validUntil: Uptime?
        package var confirmedUntil: Uptime?
        /// How much of it has to be left to begin something.
        package var least: Duration

        /// Whether there is time to begin something: a lease that is about to end is extended first.
        package func isValid(at now: Uptime, confirmed: Bool = false) -> Bool {
            guard let until = confirmed ? confirmedUntil : validUntil else { return false }
            return now + least < until
        }
    }

    /// A znode that the session cares to keep: it holds something, or is the next to.
    struct Stake {
        var node: NodePath
        /// False when the server would not say whether it is there: the ACL does not let this client read it.
        var isReadable = true
        /// `nil`: it does not hold yet.
        var onEnd: (@Sendable (StakeEnd) -> Void)?
    }

    package enum StakeEnd: Hashable, Sendable {
        case leaseEnded
        case nodeIsGone
    }

    package struct StakeID: Hashable, Sendable { let key: UInt64 }

    /// What follows from the session timeout, computed once: it is asked for at each event of each contender.
    struct Pace {
        /// At most a quarter of what the servers agreed to, which may be much less than was asked for: with more, no lease would ever be
        /// good enough to begin anything.
        let stopMargin: Duration
        /// To stop in time, and for the two proofs that make the lease longer again.
        let least: Duration
        /// From one question to the next.
        let period: Duration
        /// From a proof to the one that confirms it: no less than the clock asks for.
        let confirmation: Duration
        /// What a lease is extended by when all goes well.
        let freshness: Duration
        /// From one look for a connection to the next.
        let lookout: Duration

        init(_ clock: LeaseClock<Uptime>, _ settings: LeaseSettings) {
            let timeout = clock.timeout
            stopMargin = min(settings.stopMargin ?? timeout / 20, timeout / 4)
            least = stopMargin + clock.proofSpacing * 1.5
            period = timeout / 6
            confirmation = clock.proofSpacing * 1.05
            freshness = timeout / 3
            lookout = timeout / 20
        }
    }

    /// What is kept for the lease, under the session's lock.
    struct Upkeep {
        private(set) var pace: Pace
        var clock: LeaseClock<Uptime>
        let settings: LeaseSettings
        var stakes = SlotArray<Stake>()
        /// How many of them stand for something held.
        var holdings = 0
        var timer: (id: TimerThread.ID, due: Uptime)?
        var lastQuestion: Uptime?
        /// When the last question was asked that was to prove something.
        var lastProof: Uptime?
        /// When the last look found no connection.
        var lastDown: Uptime?
        var isProofUnderway = false
        /// Where the next proof goes on, when the stakes are too many for one.
        var nextStake = 0

        init(_ settings: LeaseSettings, timeout: Duration) {
            self.settings = settings
            clock = LeaseClock(timeout: timeout, configuration: settings.clock)
            pace = Pace(clock, settings)
        }

        mutating func connected(timeout: Duration) {
            clock.connected(timeout: timeout)
            pace = Pace(clock, settings)
        }

        var someParent: NodePath {
            var parent: NodePath?
            stakes.forEach { parent = parent ?? $1.node.parent }
            return parent ?? .root
        }

        /// The proofs are a chain: the next may be as far from the last as that was from the one before.
        var isFresh: Bool {
            guard let until = clock.confirmedUntil, until == clock.validUntil, let last = clock.proofs.last else {
                return false
            }
            return until - last.start > pace.freshness
        }

        /// When the next question is due; `nil`: at once.
        var nextQuestion: Uptime? {
            guard stakes.count > 0 else { return lastQuestion.map { $0 + pace.period } }
            if isFresh, let lastProof { return lastProof + pace.period }
            // Whatever was read meanwhile proves nothing. What confirms is a proof apart from the last, which may have been anybody's write: of
            // late, the create.
            guard let end = clock.proofs.last?.end else { return lastProof.map { $0 + pace.confirmation } }
            return max(lastProof ?? end, end) + pace.confirmation
        }

        /// When the holders have to be told to stop.
        var deadline: Uptime? {
            guard holdings > 0 else { return nil }
            return clock.validUntil.map { $0 - pace.stopMargin }
        }

        mutating func add(_ stake: Stake) -> StakeID {
            if stake.onEnd != nil { holdings += 1 }
            return StakeID(key: stakes.insert(stake))
        }

        mutating func remove(_ id: StakeID) -> Stake? {
            let stake = stakes.remove(id.key)
            if stake?.onEnd != nil { holdings -= 1 }
            return stake
        }

        /// Nothing is held any more by anybody.
        mutating func endHoldings() -> [@Sendable (StakeEnd) -> Void] {
            var ended: [@Sendable (StakeEnd) -> Void] = []
            stakes.update { stake in
                if let onEnd = stake.onEnd { ended.append(onEnd) }
                stake.onEnd = nil
            }
            holdings = 0
            return ended
        }
    }

    /// As many `check`s as a proof may have: it is one packet, and a quorum has to agree to it.
    private static var largestProof: Int { 32 }

    package var standing: Standing {
        core.withLock { core in
            Standing(
                validUntil: core.lease.clock.validUntil, confirmedUntil: core.lease.clock.confirmedUntil,
                least: core.lease.pace.least)
        }
    }

    /// As in its ``standing``.
    package var validUntil: Uptime? { core.withLock { $0.lease.clock.validUntil } }

    /// From now on the session proves that it lives, and that `node` does, often enough to be believed all the time that there is a
    /// connection: about six writes a session timeout.
    ///
    /// - Parameter onEnd: for a node that stands for something held: called at most once, when the lease may not be believed any more,
    ///   less the stop margin, or when the node is found gone. On the timer thread or one of the C client's.
    package func addStake(on node: NodePath, onEnd: (@Sendable (StakeEnd) -> Void)?) -> StakeID {
        core.withLock { core in
            let id = core.lease.add(Stake(node: node, onEnd: onEnd))
            armUpkeep(&core)
            return id
        }
    }

    package func removeStake(_ id: StakeID) {
        let stake = core.withLock { $0.lease.remove(id) }
        _ = stake
    }

    // MARK: The timer

    /// Sets the timer to when there is next something to do.
    func armUpkeep(_ core: inout Core) {
        if case .ended = core.link { return }
        let now = Uptime.now
        var due =
            core.link == .connected
            ? core.lease.nextQuestion ?? now
            : now + core.lease.pace.lookout
        if let deadline = core.lease.deadline { due = min(due, max(deadline, now)) }
        if let timer = core.lease.timer {
            guard due < timer.due else { return }
            TimerThread.shared.cancel(timer.id)
        }
        let id = TimerThread.shared.schedule(at: due.instant) { [weak self] in self?.upkeep() }
        core.lease.timer = (id, due)
    }

    private enum Question {
        case read
        case prove([(id: StakeID, node: NodePath)])
    }

    private func upkeep() {
        // Taken before the look: a handshake that begins after the look begins after this. But the C client sends its handshake just
        // before it says so, and may be stopped in between: only a look that is followed by another one without a connection counts.
        let now = Uptime.now
        let hasNoConnection = carrier.hasNoConnection
        let (ended, question) = core.withLock { core -> ([@Sendable (StakeEnd) -> Void], Question?) in
            core.lease.timer = nil
            if hasNoConnection, let last = core.lease.lastDown { core.lease.clock.sawNoConnection(at: last) }
            core.lease.lastDown = hasNoConnection ? now : nil
            let isOver = core.lease.deadline.map { $0 <= now } ?? false
            let ended = isOver ? core.lease.endHoldings() : []
            let question = core.link == .connected ? self.question(at: now, &core) : nil
            armUpkeep(&core)
            return (ended, question)
        }
        for onEnd in ended { onEnd(.leaseEnded) }
        switch question {
        case .read: submit(.exists(.root, watch: nil), deadline: .now + timeout) { _ in }
        case .prove(let stakes): prove(stakes)
        case nil: break
        }
    }

    private func question(at now: Uptime, _ core: inout Core) -> Question? {
        if let due = core.lease.nextQuestion, due > now { return nil }
        core.lease.lastQuestion = now
        guard core.lease.stakes.count > 0 else { return .read }
        // After a sleep, say, the C client may learn of the session's end at this very moment, and is handed one operation then; see
        // `Bridge/submit(_:_:)`.
        let isLate = core.lease.lastProof.map { now - $0 > core.timeout / 2 } ?? false
        core.lease.lastProof = now
        guard !core.lease.isProofUnderway else { return .read }
        var stakes: [(id: StakeID, node: NodePath)] = []
        core.lease.stakes.forEach { key, stake in
            if stake.isReadable { stakes.append((StakeID(key: key), stake.node)) }
        }
        let first = stakes.isEmpty ? 0 : core.lease.nextStake % stakes.count
        let part = (stakes[first...] + stakes[..<first]).prefix(isLate ? 1 : Self.largestProof)
        core.lease.nextStake = first + part.count
        core.lease.isProofUnderway = true
        return .prove(Array(part))
    }

    private func prove(_ stakes: [(id: StakeID, node: NodePath)]) {
        // Where none of the nodes may be read, any other write shows at least that the session lives; whoever queues may read the parent.
        let nodes = stakes.isEmpty ? [core.withLock(\.lease.someParent)] : stakes.map(\.node)
        submit(.commit(nodes.map { .check($0, version: nil) }), deadline: .now + timeout) { [weak self] result in
            self?.proved(stakes, result)
        }
    }

    private func proved(_ stakes: [(id: StakeID, node: NodePath)], _ result: RequestResult) {
        var rest = stakes
        let (gone, goesOn) = core.withLock { core -> (Stake?, Bool) in
            core.lease.isProofUnderway = false
            guard case .failure(let failure) = result, failure.code == .noNode || failure.code == .notAuthorized,
                let index = failure.failedOperation, rest.indices.contains(index)
            else {
                armUpkeep(&core)
                return (nil, false)
            }
            // All the others are to be proven all the same, and at once.
            let id = rest.remove(at: index).id
            let isThere = failure.code == .notAuthorized
            if isThere { core.lease.stakes[id.key]?.isReadable = false }
            core.lease.isProofUnderway = isThere || !rest.isEmpty
            return (isThere ? nil : core.lease.remove(id), core.lease.isProofUnderway)
        }
        gone?.onEnd?(.nodeIsGone)
        if goesOn { prove(rest) }
    }
}

extension ZooKeeperError.Code {
    /// A server has said this, and not the client for lack of an answer.
    var isAnswer: Bool {
        switch self {
        case .noNode, .nodeExists, .badVersion, .notEmpty, .notAuthorized, .noChildrenForEphemerals: true
        default: false
        }
    }
}
