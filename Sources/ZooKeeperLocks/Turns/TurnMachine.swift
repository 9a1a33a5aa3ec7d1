import ZooKeeper

/// The turns that the tasks of a process take with one contender's znode, as a pure value: events in, actions out; no clock, no I/O, no
/// concurrency.
///
/// Who comes first in the process is served first. The znode is given back when nobody here wants it any more, or when others wait
/// and this process has had its share; whoever still waits here then queues again, at the end and in the same order, by another znode.
///
/// Whether others wait is not known when the znode is granted. If the process had to wait for others, it counts on them to come
/// again. Otherwise it looks when it matters, while it goes on, and is told from then on: see ``Others``.
struct TurnMachine<Waiter: Sendable>: Sendable {
    struct Turn: Hashable, Sendable {
        var node: Int
        var token: FencingToken
    }

    /// What came of asking for a turn.
    enum Answer: Hashable, Sendable {
        case taken(Turn)
        /// The number is for leaving. So many are ahead in this process, the one who holds among them.
        case waits(ticket: UInt64, ahead: Int)
        /// It would have to wait, and does not want to. So many are ahead in this process, the one who holds among them.
        case refused(ahead: Int)
    }

    /// What came of leaving.
    enum Leave: Sendable {
        /// So many were ahead in this process.
        case left(Waiter, ahead: Int)
        /// It was the last, and is to be told when the entry into the queue is withdrawn.
        case withdraws
        /// Its turn has come.
        case tooLate
    }

    enum Action: Sendable {
        case grant(Waiter, Turn)
        /// The lease of that turn is over; its end is still to come.
        case lose(Turn, LossReason)
        /// Queue, by a znode of its own.
        case enter(node: Int, onlyIfAvailable: Bool)
        /// Leave the queue, and tell that one when it is done.
        case withdraw(node: Int, Waiter)
        case giveBack(node: Int)
        /// What all of them waited for has come to nothing.
        case fail([Waiter], node: Int)
        /// Look whether somebody else is in the queue, and watch for those who come.
        case look(node: Int)
        /// Come back then, by ``woken(at:)``.
        case wake(at: Duration)
    }

    enum Node: Hashable, Sendable {
        case none
        /// With the ticket of whoever wants the lock only if it is free.
        case entering(Int, trier: UInt64?)
        case held(Int, czxid: Int64)
    }

    /// What is known of others in the queue.
    enum Others: Hashable, Sendable {
        /// They may have come before it looked. All turns count.
        case unknown
        /// The process had to wait for some, who may come again. All turns count, whatever is seen.
        case expected(counted: Int)
        /// There was nobody, and who comes is told. No turn counts.
        case none
        /// Somebody. So many turns have counted.
        case some(counted: Int)
    }

    let maxConsecutive: Int
    let linger: Duration
    let rules: TurnRules
    private(set) var node = Node.none
    private(set) var holder: Turn?
    private(set) var line = WaitingLine<Waiter>()
    /// What has been told to be lost, and whose turn has not ended.
    private var losing: Set<Turn> = []
    private var others = Others.unknown
    private var hasLooked = false
    /// Somebody asks the process to give up the lock.
    private var isRevoked = false
    private var lastTurn: UInt32 = 0
    private var lastNode = 0
    /// Since when nobody here holds or waits.
    private var idleSince = Duration.zero
    /// When it comes back.
    private(set) var wakesAt: Duration?
    private var actions: [Action] = []

    init(maxConsecutive: Int, linger: Duration, firstTurn: UInt32 = 1, rules: TurnRules = .sound) {
        self.maxConsecutive = maxConsecutive
        self.linger = linger
        self.rules = rules
        beforeFirstTurn = firstTurn - 1
    }

    private let beforeFirstTurn: UInt32

    /// What to do, in this order.
    mutating func takeActions() -> [Action] {
        if actions.isEmpty { return [] }
        defer { actions = [] }
        return actions
    }

    // MARK: What the process's tasks want

    /// A turn at once, if the znode is here and nobody holds or waits.
    mutating func take() -> Turn? {
        guard case .held(let node, let czxid) = node, holder == nil, line.isEmpty, mayGoOn, !mustLookFirst else {
            return nil
        }
        return begin(node, czxid)
    }

    /// A turn, at the end of the line.
    ///
    /// - Parameter mayWait: otherwise it is now, or if the lock is free.
    mutating func ask(_ waiter: Waiter, mayWait: Bool = true) -> Answer {
        if let turn = take() { return .taken(turn) }
        guard mayWait || (node == .none && line.isEmpty) else { return .refused(ahead: localAhead + line.count) }
        let ticket = line.append(waiter)
        switch node {
        case .none: enter(trier: mayWait ? nil : ticket)
        case .held: if others == .unknown { look() }
        case .entering: break
        }
        return .waits(ticket: ticket, ahead: localAhead + line.count - 1)
    }

    /// Whoever waits does not want to any more.
    mutating func leave(_ ticket: UInt64, at now: Duration) -> Leave {
        let ahead = localAhead
        guard let (waiter, place) = line.remove(ticket) else { return .tooLate }
        if line.isEmpty, case .entering(let entry, _) = node, !rules.forgetsEntry {
            node = .none
            actions.append(.withdraw(node: entry, waiter))
            return .withdraws
        }
        rest(at: now)
        return .left(waiter, ahead: ahead + place)
    }

    /// The body of that turn is done.
    mutating func ended(_ turn: Turn, at now: Duration) {
        if losing.remove(turn) != nil { return actions.append(.giveBack(node: turn.node)) }
        guard holder == turn else { return }
        holder = nil
        goOn()
        rest(at: now)
    }

    mutating func woken(at now: Duration) {
        wakesAt = nil
        guard case .held = node, holder == nil, line.isEmpty else { return }
        if now - idleSince >= linger { giveBack() } else { wake() }
    }

    // MARK: What becomes of the znode

    /// - Parameter hasWaited: others were ahead.
    mutating func granted(_ entry: Int, czxid: Int64, hasWaited: Bool) {
        guard case .entering(entry, _) = node else { return actions.append(.giveBack(node: entry)) }
        node = .held(entry, czxid: czxid)
        (others, hasLooked, isRevoked, lastTurn) = (
            hasWaited ? .expected(counted: 0) : .unknown, false, false, beforeFirstTurn
        )
        goOn()
    }

    /// It will not be granted. `isTaken`: somebody has the lock, and the entry was not to wait.
    mutating func departed(_ entry: Int, isTaken: Bool) {
        guard case .entering(entry, let trier) = node else { return }
        node = .none
        guard isTaken, let trier else { return actions.append(.fail(line.removeAll(), node: entry)) }
        if let (waiter, _) = line.remove(trier) { actions.append(.fail([waiter], node: entry)) }
        if !line.isEmpty { enter(trier: nil) }
    }

    mutating func lost(_ entry: Int, _ reason: LossReason) {
        guard case .held(entry, _) = node else { return }
        if rules.grantsAfterLoss { return }
        node = .none
        if let holder {
            // The znode may still be there, and in the way of others until its body has ended.
            losing.insert(holder)
            actions.append(.lose(holder, reason))
        } else {
            wakesAt = nil
            actions.append(.giveBack(node: entry))
        }
        holder = nil
        if !line.isEmpty { enter(trier: nil) }
    }

    /// Somebody wants the process to give the lock up: after the turn that is under way.
    mutating func revoked(_ entry: Int) {
        guard case .held(entry, _) = node else { return }
        isRevoked = true
        goOn()
    }

    // MARK: What is told of others

    /// The queue was looked at, and whoever comes from now on is told of.
    mutating func sawNobody(_ entry: Int) {
        guard case .held(entry, _) = node, others == .unknown else { return }
        others = .none
        goOn()
    }

    /// Somebody else is in the queue, or may be.
    mutating func sawOthers(_ entry: Int) {
        guard case .held(entry, _) = node else { return }
        switch others {
        case .unknown: others = .some(counted: Int(lastTurn - beforeFirstTurn))
        case .expected(let counted): others = .some(counted: counted)
        // The turn that is under way is the first that they wait for.
        case .none: others = .some(counted: holder == nil ? 0 : 1)
        case .some: return
        }
        goOn()
    }

    // MARK: One turn after the other

    /// Whether another turn may begin, as far as is known.
    private var mayGoOn: Bool {
        guard !isRevoked, lastTurn < .max else { return false }
        switch others {
        case .unknown, .none: return true
        case .expected(let counted), .some(let counted): return counted < maxConsecutive || rules.ignoresBound
        }
    }

    /// Whether others may be waiting for long enough by now.
    private var mustLookFirst: Bool {
        others == .unknown && Int(lastTurn - beforeFirstTurn) >= maxConsecutive && !rules.ignoresBound
    }

    /// Who holds, here or elsewhere.
    private var localAhead: Int { holder == nil ? 0 : 1 }

    private var keepsIdle: Bool {
        if case .some = others, !rules.lingersOn { return false }
        return linger > .zero
    }

    /// The znode is here, and nobody's turn.
    private mutating func goOn() {
        guard case .held(let entry, let czxid) = node, holder == nil else { return }
        guard mayGoOn, !line.isEmpty || keepsIdle else { return giveBack() }
        if line.isEmpty { return }
        if mustLookFirst { return look() }
        guard let waiter = line.popFirst() else { return }
        actions.append(.grant(waiter, begin(entry, czxid)))
    }

    private mutating func begin(_ entry: Int, _ czxid: Int64) -> Turn {
        if !rules.keepsTurn || lastTurn == 0 { lastTurn += 1 }
        switch others {
        case .unknown, .none: break
        case .expected(let counted): others = .expected(counted: counted + 1)
        case .some(let counted): others = .some(counted: counted + 1)
        }
        let turn = Turn(node: entry, token: FencingToken(rawValue: czxid, turn: lastTurn))
        holder = turn
        // Most locks are wanted once, and that need not be looked for.
        if others == .unknown, !line.isEmpty || lastTurn - beforeFirstTurn > 1 { look() }
        return turn
    }

    private mutating func look() {
        guard case .held(let entry, _) = node, !hasLooked else { return }
        hasLooked = true
        actions.append(.look(node: entry))
    }

    /// Nobody here holds or waits, and the znode is kept.
    private mutating func rest(at now: Duration) {
        guard case .held = node, holder == nil, line.isEmpty else { return }
        guard mayGoOn, keepsIdle else { return giveBack() }
        idleSince = now
        look()
        if wakesAt == nil { wake() }
    }

    private mutating func wake() {
        wakesAt = idleSince + linger
        actions.append(.wake(at: idleSince + linger))
    }

    private mutating func giveBack() {
        guard case .held(let entry, _) = node else { return }
        node = .none
        wakesAt = nil
        // Ahead of the removal of the other: who wants the lock all the time is always in the queue, where others see it.
        if !line.isEmpty, !rules.forgetsWaiters { enter(trier: nil) }
        actions.append(.giveBack(node: entry))
    }

    private mutating func enter(trier: UInt64?) {
        lastNode += 1
        node = .entering(lastNode, trier: trier)
        actions.append(.enter(node: lastNode, onlyIfAvailable: trier != nil))
    }
}
