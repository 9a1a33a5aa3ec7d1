import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// An ensemble, clients with sessions, and contenders on them that run the production machine, in virtual time: a run is decided by
/// its setting and its seed.
struct World {
    enum Due: Hashable {
        case deliver(Link)
        case tend(client: Int)
        case chat(client: Int)
        case reconnect(client: Int, attempt: Int)
        case paused(contender: Int, entry: Int, step: Int)
        case patienceEnded(contender: Int)
        case arrive(contender: Int)
        case giveUp(contender: Int)
        case bodyEnds(contender: Int)
        case downgrade(contender: Int)
        case govern
        case fault(Fault)
        case heal(Fault, MemberID)
    }

    enum Fault: Int, Hashable, CaseIterable {
        case breakConnection, freeze, partition, crash, election, deposition, abandonment, deletion, scribble, reaping
    }

    let setting: Setting
    let seed: UInt64
    let rules: Rules
    var random: SplitMix
    var model: EnsembleModel
    var agenda = Agenda<Due>()
    var clients: [Client] = []
    var contenders: [Contestant] = []
    var judge = Judge()
    var trace: Trace
    /// When members that were cut off were so no more.
    var lastStall: Int64?
    /// No more faults.
    var isQuiet = false
    /// Links whose first message has its time in the agenda.
    var scheduled: Set<Link> = []
    /// When the messages that are on their way to a client were sent; see `Setting.answerLatency`.
    private var sendings: [Link: [Int64]] = [:]
    /// The link that a message has arrived on just now.
    private var flowing: Link?
    /// What those want who delete by hand.
    var hands: [ConnectionID: ServerRequest] = [:]
    private var lastNumber = 0

    static let path = NodePath(unchecked: "/lock")

    init(_ setting: Setting, seed: UInt64, rules: Rules = Rules(), isTracing: Bool = false) {
        self.setting = setting
        self.seed = seed
        self.rules = rules
        random = SplitMix(seed: seed)
        trace = Trace(isOn: isTracing)
        var configuration = EnsembleModel.Configuration()
        configuration.members = setting.members
        configuration.tick = setting.tick
        configuration.syncLimit = setting.syncLimit
        configuration.cleaningInterval = 1 << 50
        model = EnsembleModel(configuration)
        for number in 0..<setting.clients {
            clients.append(Client(number: number, setting, rules: rules))
            agenda.add(.reconnect(client: number, attempt: 0), at: random.within(0...50))
            agenda.add(.tend(client: number), at: random.within(0...setting.timeout / 12))
            if let chatter = setting.chatter { agenda.add(.chat(client: number), at: random.waiting(mean: chatter)) }
        }
        for number in 0..<setting.contenders {
            let unwilling = random.chance(setting.unwilling)
            var policy = QueuePolicy.exclusive
            var downgrades = false
            switch setting.recipe {
            case .mutex: break
            case .readWrite(let writers, let some):
                policy.claim = random.chance(writers) ? .write : .read
                downgrades = policy.claim == .write && random.chance(some)
            case .semaphore(let permits, let most): policy = .permits(1 + random.below(most), of: permits)
            }
            contenders.append(
                Contestant(
                    number: number, client: number % setting.clients, onlyIfAvailable: unwilling, policy: policy,
                    rules: rules.queue))
            contenders[number].downgrades = downgrades
            // Of those who come one after the other the others are called.
            guard setting.rest == nil || number < setting.clients else { continue }
            contenders[number].isCalled = true
            agenda.add(.arrive(contender: number), at: random.waiting(mean: setting.arrival))
        }
        prepareParent()
        agenda.add(.govern, at: 100)
        for fault in Fault.allCases { plan(fault) }
    }

    var now: Int64 { model.now }

    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    func note(_ text: @autoclosure () -> String) {
        trace.add(now, text())
    }

    // MARK: Running

    /// Runs the schedule with its faults, and then without until everybody has come to an end.
    mutating func run() {
        // Chatter goes on by itself.
        while now < setting.length, !judge.isDecided, setting.chatter != nil || !contenders.allSatisfy(\.isOver) {
            advance(to: min(setting.length, now + setting.tick))
        }
        guard !judge.isDecided else { return }
        calm()
        // Waiters wait for each other, and for the nodes of sessions that nobody comes back to.
        let end = now + 40 * setting.timeout + Int64(setting.contenders) * 4 * (setting.hold + setting.timeout)
        while now < end, !judge.isDecided, !isAtRest { advance(to: now + setting.tick) }
        guard !judge.isDecided else { return }
        for contender in contenders where !contender.isOver {
            judge.find("c\(contender.number) is stuck in \(contender.machine.phase)")
        }
        let left = judge.contenderNames.keys.sorted()
        if !left.isEmpty { judge.find("left at the end: \(left)") }
    }

    private var isAtRest: Bool { contenders.allSatisfy(\.isOver) && judge.contenderNames.isEmpty }

    /// The lock's path as the schedule wants it.
    private mutating func prepareParent() {
        guard setting.firstSequence != 0 else { return }
        var node = Znode(
            data: contenders.first?.machine.policy.parentData ?? ParentData.empty, acl: [.open], lifetime: .persistent,
            zxid: 0, time: 0)
        node.childrenCreated = setting.firstSequence
        for member in model.members.keys { model.members[member]?.tree.insert(Self.path, node, count: 0) }
        let path = Self.path
        model.withLeadership(of: MemberID(0)) { $0.prepared.insert(path, node, count: 0) }
    }

    mutating func advance(to end: Int64) {
        while !judge.isDecided {
            schedule()
            let due = min(agenda.nextDue ?? .max, model.nextDue)
            guard due <= end else { break }
            model.pingLateness = random.lateness(setting.pingLateness)
            model.relayLateness = random.lateness(setting.relayLateness)
            if model.nextDue <= due {
                model.advance(to: due)
            } else if let (due, item) = agenda.removeFirst() {
                model.advance(to: due)
                carryOut(item)
            }
            watchLeases()
            observe()
        }
        guard !judge.isDecided else { return }
        model.advance(to: max(now, end))
    }

    /// Gives each message at the head of a link the time of its arrival.
    private mutating func schedule() {
        if setting.answerLatency != nil { noteSendings() }
        for link in model.deliverable where !scheduled.contains(link) {
            scheduled.insert(link)
            var due = now
            // What follows closely on another message arrives closely after it.
            let follows = flowing == link
            switch link {
            case .between: due += random.within(follows ? 0...1 : setting.memberDelay)
            case .toMember(let connection), .toClient(let connection):
                due += random.within(follows ? 0...1 : setting.clientDelay)
                guard let client = client(on: connection) else { break }
                due = max(due, clients[client].frozenUntil)
                guard let latency = setting.answerLatency, !isQuiet, case .toClient = link else { break }
                // The handshake is quick.
                if clients[client].link.isConnected { due = max(due, (sendings[link]?.first ?? now) + latency) }
            }
            agenda.add(.deliver(link), at: due)
        }
    }

    private mutating func noteSendings() {
        for (link, messages) in model.links {
            guard case .toClient = link else { continue }
            // A connection that breaks loses what was under way on it, and is never used again.
            let known = sendings[link]?.count ?? 0
            if known < messages.count {
                sendings[link, default: []] += Array(repeating: now, count: messages.count - known)
            }
        }
    }

    private mutating func carryOut(_ item: Due) {
        flowing = nil
        switch item {
        case .deliver(let link):
            scheduled.remove(link)
            if sendings[link]?.isEmpty == false { sendings[link]?.removeFirst() }
            flowing = link
            if case .toClient(let connection) = link, let client = client(on: connection),
                clients[client].frozenUntil > now
            {
                return
            }
            if trace.isOn, case .between(let from, let to) = link,
                case .peer(.touched(let sessions))? = model.links[link]?.first
            {
                note(
                    "member \(from.number) has told \(to.number) of the sessions \(sessions.map { $0 & 0xFFFF }.sorted())"
                )
            }
            guard let packet = model.deliver(link), case .toClient(let connection) = link else { return }
            if let client = client(on: connection) {
                receive(packet, client)
            } else {
                receive(packet, byHand: connection)
            }
        case .tend(let client): tend(client)
        case .chat(let client): chat(client)
        case .reconnect(let client, let attempt): reconnect(client, attempt)
        case .paused(let contender, let entry, let step): post(contender, .paused(step: step), of: entry)
        case .patienceEnded(let contender): post(contender, .patienceEnded)
        case .arrive(let contender): arrive(contender)
        case .giveUp(let contender): giveUp(contender)
        case .bodyEnds(let contender): endBody(contender)
        case .downgrade(let contender): downgrade(contender)
        case .govern: govern()
        case .fault(let fault): strike(fault)
        case .heal(let fault, let member): heal(fault, member)
        }
    }

    func client(on connection: ConnectionID) -> Int? {
        clients.firstIndex { $0.link.connection == connection }
    }
}

/// What the safety of it all rests on: left out one at a time by the mutations.
struct Rules: Hashable, Sendable {
    var queue = QueueRules.sound
    var lease = LeaseClock<Moment>.Rules.sound
    var vacancy = Vacancy.Rules()
    /// In the next session a contender goes by the same UUID.
    var reusesUUID = false
    /// Recovery asks for a `sync` in place of a write: but a leader that was deposed answers it.
    var syncsForBarrier = false
    /// A writer's node goes, and then the reader's comes.
    var downgradesInTwoSteps = false
    /// A watch that was asked for is as good as one that is set.
    var joinsWatchesTooEarly = false
}

/// What has happened, in words, for whoever has to understand a failure.
struct Trace {
    let isOn: Bool
    private final class Lines { var lines: [String] = [] }
    private let lines = Lines()

    init(isOn: Bool) { self.isOn = isOn }

    func add(_ time: Int64, _ text: @autoclosure () -> String) {
        if isOn { lines.lines.append("\(time) ms  \(text())") }
    }

    var text: [String] { lines.lines }
}
