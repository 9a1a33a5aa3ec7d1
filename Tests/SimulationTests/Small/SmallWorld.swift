import ZooKeeper

@testable import ZooKeeperLocks

/// The smallest world in which the queue can go wrong, for the exhaustive search: a leader's log, a server for each client that applies it
/// as late as it likes, connections that break, sessions that expire, and contenders that run the production machine.
///
/// There is no clock: whatever may happen next may happen now, and a lease is a mere flag that is down before its session expires. That
/// it is, is shown by the schedules in time, which run the lease clock itself.
struct SmallWorld {
    struct Bounds: Hashable, Sendable {
        /// The client of each contender.
        var clients = [0, 1]
        var breaks = 1
        var expiries = 0
        var givingUp = 1
        var deletions = 0
        var reapings = 0
        /// How many writes a server may be behind.
        var lag = 2
        var hasParent = true
        /// What each contender asks for; none: the whole, all of them.
        var policies: [QueuePolicy] = []
        /// How many writers that hold become readers.
        var downgrades = 0
        /// The clients save the listing where they are known to be alone; see `Vacancy`.
        var vacancy: Vacancy.Rules?
        /// The first client has been alone before, and has just left.
        var hasJustLeft = false
        /// A watch that was asked for is as good as one that is set.
        var joinsWatchesTooEarly = false
        /// That a watch is set is told behind whatever comes meanwhile.
        var tellsOfWatchesLate = false
        /// Take states for one that differ only in which client is which.
        var isSymmetric = true
    }

    enum Step: Hashable, Sendable {
        case enter(UInt8), giveUp(UInt8), endBody(UInt8), pause(UInt8, Int)
        case serve(UInt8), apply(UInt8), deliver(UInt8)
        case cut(UInt8), straggle(UInt8), reconnect(UInt8, catchingUp: Bool)
        case lapse(UInt8), renew(UInt8), expire(UInt8)
        case delete(Name), reap
        case downgrade(UInt8)
        case tellOfWatch(UInt8)
    }

    let rules: QueueRules
    let lag: Int
    /// Of a semaphore.
    let permits: Int?
    /// Clients may change places: all have as many contenders, and a sequence number stands for one znode only.
    let isSymmetric: Bool
    let vacancyRules: Vacancy.Rules?
    let joinsWatchesTooEarly: Bool
    let tellsOfWatchesLate: Bool
    var tree = SmallTree()
    var log: [SmallLogged] = []
    var servers: [SmallServer]
    var clients: [SmallClient]
    var contestants: [SmallContestant]
    var expired: [UInt8] = []
    var deletedByHand: [Name] = []
    var zxid: Int16 = 0
    var lastToken: Int16 = 0
    var breaks: Int
    var expiries: Int
    var givingUp: Int
    var deletions: Int
    var reapings: Int
    var downgrades: Int
    var verdict: String?
    /// To who has not asked who else is there.
    var grantsWithoutList = 0
    /// For which nobody was asked.
    var watchesJoined = 0
    /// For the trace of a run that is repeated.
    var story: [String]?

    init(_ bounds: Bounds, rules: QueueRules = .sound) {
        self.rules = rules
        lag = bounds.lag
        (breaks, expiries, givingUp) = (bounds.breaks, bounds.expiries, bounds.givingUp)
        (deletions, reapings, downgrades) = (bounds.deletions, bounds.reapings, bounds.downgrades)
        let count = (bounds.clients.max() ?? 0) + 1
        let each = (0..<count).map { client in bounds.clients.count { $0 == client } }
        isSymmetric =
            bounds.reapings == 0 && bounds.isSymmetric && Set(each).count == 1 && Set(bounds.policies).count < 2
        clients = (0..<count).map { SmallClient(session: UInt8($0), vacancy: bounds.vacancy.map { Vacancy($0) }) }
        contestants = bounds.clients.enumerated().map { index, client in
            let policy = bounds.policies.isEmpty ? .exclusive : bounds.policies[index]
            return SmallContestant(
                machine: QueueMachine(onlyIfAvailable: false, policy: policy, rules: rules), client: client)
        }
        vacancyRules = bounds.vacancy
        (joinsWatchesTooEarly, tellsOfWatchesLate) = (bounds.joinsWatchesTooEarly, bounds.tellsOfWatchesLate)
        permits = bounds.policies.first?.permits
        servers = Array(repeating: SmallServer(), count: count)
        if bounds.hasParent {
            tree.hasParent = true
            for index in servers.indices { servers[index].tree.hasParent = true }
        }
        if bounds.hasJustLeft { haveLeft() }
    }

    /// The first node is gone, and the client that has made it watches the path since it was there.
    private mutating func haveLeft() {
        tree.nextSequence = 1
        for index in servers.indices { servers[index].tree.nextSequence = 1 }
        _ = clients[0].vacancy?.made(0, last: 0)
        if let attempt = clients[0].vacancy?.wantsWatch() {
            servers[0].watches.append(.parent)
            let ask = SmallAsk(contender: 0, entry: 0, inquiry: .watchParent(attempt: attempt))
            clients[0].watches.append(.init(ask: ask, name: .parent))
            clients[0].vacancy?.watchIsSet(attempt)
        }
        clients[0].vacancy?.left(0)
    }

    // MARK: What may happen

    /// Everything that may happen now. Faults come last.
    var steps: [Step] {
        var steps: [Step] = []
        for (index, contestant) in contestants.enumerated() {
            let number = UInt8(index)
            if !contestant.hasEntered { steps.append(.enter(number)) }
            if contestant.isInBody { steps.append(.endBody(number)) }
            if !contestant.untold.isEmpty { steps.append(.tellOfWatch(number)) }
            for (index, pause) in contestant.pauses.enumerated() {
                // Long enough for stragglers to be gone.
                if pause.pause == .untilStragglersAreGone, !clients[contestant.client].stragglers.isEmpty { continue }
                steps.append(.pause(number, index))
            }
        }
        let mayWrite = log.count < lag
        for (index, client) in clients.enumerated() {
            let number = UInt8(index)
            if let next = client.toServer.first, mayWrite || !next.inquiry.isWrite { steps.append(.serve(number)) }
            if servers[index].applied < log.count { steps.append(.apply(number)) }
            if !client.toClient.isEmpty { steps.append(.deliver(number)) }
            if !client.stragglers.isEmpty, mayWrite { steps.append(.straggle(number)) }
            if !client.isConnected {
                steps.append(.reconnect(number, catchingUp: true))
                if servers[index].applied < log.count, !expired.contains(client.session) {
                    steps.append(.reconnect(number, catchingUp: false))
                }
            }
            if !client.leaseIsValid, !expired.contains(client.session) {
                if client.isConnected { steps.append(.renew(number)) }
            }
        }
        return steps
    }

    /// What goes wrong, as far as the bounds allow it still.
    var faults: [Step] {
        var steps: [Step] = []
        let mayWrite = log.count < lag
        for (index, client) in clients.enumerated() {
            let number = UInt8(index)
            if breaks > 0, client.isConnected { steps.append(.cut(number)) }
            guard !expired.contains(client.session) else { continue }
            if expiries > 0, client.leaseIsValid { steps.append(.lapse(number)) }
            if !client.leaseIsValid, mayWrite { steps.append(.expire(number)) }
        }
        if givingUp > 0 {
            for (index, contestant) in contestants.enumerated() where contestant.hasEntered {
                if !contestant.isInBody, !contestant.hasEndedBody, contestant.machine.departure == nil,
                    !contestant.isOver
                {
                    steps.append(.giveUp(UInt8(index)))
                }
            }
        }
        if deletions > 0, mayWrite { steps += tree.nodes.map { .delete($0.name) } }
        if downgrades > 0 {
            for (index, contestant) in contestants.enumerated()
            where contestant.isInBody && !contestant.isLost && contestant.machine.policy.claim == .write {
                if contestant.machine.replacement == nil { steps.append(.downgrade(UInt8(index))) }
            }
        }
        if reapings > 0, mayWrite, tree.hasParent, tree.nodes.isEmpty, tree.nextSequence > 0 { steps.append(.reap) }
        return steps
    }

    mutating func take(_ step: Step) {
        story?.append("* \(step)")
        switch step {
        case .enter(let number): enter(Int(number))
        case .giveUp(let number):
            givingUp -= 1
            post(Int(number), .giveUp(.cancelled))
        case .endBody(let number): endBody(Int(number))
        case .pause(let number, let index):
            let pause = contestants[Int(number)].pauses.remove(at: index)
            post(Int(number), .paused(step: pause.step))
        case .serve(let number): serve(Int(number))
        case .apply(let number): apply(Int(number))
        case .deliver(let number): deliver(Int(number))
        case .cut(let number):
            breaks -= 1
            lose(Int(number))
        case .straggle(let number):
            let ask = clients[Int(number)].stragglers.removeFirst()
            commit(ask.inquiry, ask, of: Int(number), isStraggler: true)
        case .reconnect(let number, let isCatchingUp): reconnect(Int(number), isCatchingUp)
        case .lapse(let number):
            expiries -= 1
            lapse(Int(number))
        case .renew(let number): clients[Int(number)].leaseIsValid = true
        case .expire(let number):
            let session = clients[Int(number)].session
            expired.append(session)
            append(.close(session: session))
        case .delete(let name):
            deletions -= 1
            deletedByHand.append(name)
            append(.delete(name, recording: false))
        case .reap:
            reapings -= 1
            append(.removeParent)
        case .downgrade(let number):
            downgrades -= 1
            post(Int(number), .downgrade)
        case .tellOfWatch(let number):
            let inquiry = contestants[Int(number)].untold.removeFirst()
            post(Int(number), inquiry.event(.success(.done)))
        }
        trim()
    }

    /// Forgets what all servers have applied.
    private mutating func trim() {
        guard let least = servers.map(\.applied).min(), least > 0 else { return }
        log.removeFirst(least)
        for index in servers.indices { servers[index].applied -= least }
    }

    /// What is wrong when everything has been heard and answered, and only bodies go on: somebody waits for what is free.
    func verdictInPeace(_ steps: [Step]) -> String? {
        for step in steps {
            guard case .endBody = step else { return nil }
        }
        for (index, contestant) in contestants.enumerated() where !contestant.isInBody && !contestant.isOver {
            guard let node = tree.nodes.first(where: { Int($0.name.contender) == index }) else { continue }
            if inTheWay(of: contestant.machine.policy, node.name) == nil {
                return "c\(index) waits, although it is its turn"
            }
        }
        return nil
    }

    /// One ahead that a contender must not hold beside: said here once more, apart from the production code.
    func inTheWay(of policy: QueuePolicy, _ name: Name, passing: (SmallTree.Node) -> Bool = { _ in false }) -> Name? {
        let ahead = tree.nodes.filter { $0.name.sequence < name.sequence && !passing($0) }.map(\.name)
        switch policy.claim {
        case .exclusive, .write: return ahead.first
        case .read: return ahead.first { $0.claim != 1 }
        case .permits(let own):
            let taken = ahead.reduce(0) { $0 + Int($1.claim) - 2 }
            return taken + own <= permits ?? 0 ? nil : ahead.first
        }
    }

    /// What is wrong when nothing but faults can happen any more.
    var verdictAtRest: String? {
        for (index, contestant) in contestants.enumerated() where !contestant.isOver {
            return "c\(index) is stuck in \(contestant.machine.phase)"
        }
        return tree.nodes.isEmpty ? nil : "left at the end: \(tree.nodes.map(\.name.string))"
    }

    mutating func note(_ text: @autoclosure () -> String) {
        if story != nil { story?.append("  " + text()) }
    }
}
