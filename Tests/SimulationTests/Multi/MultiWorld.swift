import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// Locks that some take several of at once and others one by one: a leader's tree, a server for each client that applies its log as late as it
/// likes, connections that break, sessions that expire, nodes that are deleted by hand. The contenders run the production machines.
///
/// There is no clock: of all that may happen next, the seed picks one. As in ``SmallWorld`` a lease is a mere flag that is down before its
/// session expires.
struct MultiWorld {
    struct Setting: Sendable {
        var paths = 3
        var clients = 3
        /// Those who want several locks at once, and those who want one.
        var groups = 3
        var singles = 2
        /// In percent: how often nobody comes although there is one who could.
        var rest = 0
        /// How often each of them comes.
        var rounds = 2
        var breaks = 0
        var expiries = 0
        var givingUp = 0
        var deletions = 0
        var reapings = 0
        /// How many writes a server may be behind.
        var lag = 3
        /// In percent: how many of those who want several take them only if all are free.
        var unwilling = 0
        /// The clients save the listings where they are known to be alone.
        var vacancy: Vacancy.Rules?
        /// Left out: what the freedom from deadlock rests on.
        var rules = MultiLockRules.sound
        var takesOneFirst = false
        var kinds = Set(Verdict.Kind.allCases)
    }

    struct Verdict: Hashable, Sendable, CustomStringConvertible {
        enum Kind: Hashable, Sendable, CaseIterable { case deadlock, exclusion, allOrNothing, token, leftover, failure }

        var kind: Kind
        var text: String
        var description: String { "\(kind): \(text)" }
    }

    enum Step: Hashable {
        case enter(Int), endBody(Int), pause(Int, Int)
        case serve(Int), apply(Int), deliver(Int), straggle(Int), reconnect(Int), renew(Int)
        case cut(Int), lapse(Int), expire(Int), giveUp(Int), delete(NodePath), reap(NodePath)
    }

    /// Somebody who comes for locks, round after round.
    struct Contestant {
        var client: Int
        var paths: [NodePath]
        var rounds: Int
        /// One after the other; just one, unless a rule is left out.
        var stages: [[NodePath]] = []
        /// One for each stage that has begun.
        var actors: [Int] = []
        var isInBody = false
        var isLost = false
        var isLeaving = false
        var isUnwilling = false
    }

    let setting: Setting
    var random: SplitMix
    let paths: [NodePath]
    var tree = DataTree()
    var log: [MultiLogged] = []
    var zxid: Int64 = 0
    var servers: [MultiServer]
    var clients: [MultiClient]
    var contestants: [Contestant] = []
    var actors: [MultiActor] = []
    var inbox: [(actor: Int, post: MultiPost, entry: Int?)] = []
    var isBusy = false
    var budget: Setting
    var deletedByHand: Set<NodePath> = []
    var tokens: [NodePath: Int64] = [:]
    var bodies = 0
    var groupBodies = 0
    /// To who has not asked who else is there.
    var grantsWithoutList = 0
    /// Watches that nobody had to ask for.
    var watchesJoined = 0
    var groupGrantsWithoutList = 0
    /// How often something went wrong.
    var struck = 0
    var verdict: Verdict?
    var lastConnection = 0
    /// For the trace of a run that is repeated.
    var story: [String]?

    init(_ setting: Setting, seed: UInt64) {
        self.setting = setting
        budget = setting
        random = SplitMix(seed: seed)
        paths = (0..<setting.paths).map { NodePath(unchecked: "/p\($0)") }
        servers = Array(repeating: MultiServer(), count: setting.clients)
        clients = (0..<setting.clients).map { MultiClient(session: Int64($0 + 1), connection: ConnectionID($0)) }
        lastConnection = setting.clients
        for number in 0..<setting.groups + setting.singles {
            let isGroup = number < setting.groups
            var contestant = Contestant(client: random.below(setting.clients), paths: [], rounds: setting.rounds)
            contestant.paths = isGroup ? somePaths() : [paths[random.below(paths.count)]]
            contestant.isUnwilling = isGroup && random.chance(setting.unwilling)
            contestants.append(contestant)
        }
        // Some are there, some have to be made.
        for path in paths where random.chance(50) {
            write(.create(path, data: ParentData.empty, mode: .persistent, acl: [.open]), session: 0, origin: nil)
        }
    }

    /// Two or more, in a random order.
    private mutating func somePaths() -> [NodePath] {
        var rest = paths
        var some: [NodePath] = []
        let count = min(paths.count, 2 + random.below(paths.count - 1))
        while some.count < count { some.append(rest.remove(at: random.below(rest.count))) }
        return some
    }

    // MARK: Running

    mutating func run() {
        var left = 60_000
        while verdict == nil {
            let steps = stepsOfTheMoment
            let faults = random.chance(2) ? faults : []
            guard let step = random.element(of: faults.isEmpty ? steps : faults) else { break }
            take(step)
            if !faults.isEmpty { struck += 1 }
            left -= 1
            guard left == 0 else { continue }
            let unfinished = unfinished
            find(.deadlock, "no end after 60,000 steps: \(unfinished)")
        }
        guard verdict == nil else { return }
        let unfinished = unfinished
        if !unfinished.isEmpty { return find(.deadlock, unfinished) }
        let nodes = contenders
        if !nodes.isEmpty { find(.leftover, "left at the end: \(nodes)") }
    }

    /// All contenders' nodes as the leader has them.
    var contenders: [NodePath] {
        tree.nodes.keys.filter { ContenderName(String($0.name)) != nil }.sorted { $0.string < $1.string }
    }

    private var unfinished: String {
        contestants.indices.filter { !contestants[$0].actors.isEmpty || contestants[$0].rounds > 0 }
            .map { number in
                let attempts = contestants[number].actors.map { "\(actors[$0].title) in \(actors[$0].phase)" }
                return "c\(number), which wants \(contestants[number].paths): \(attempts)"
            }.joined(separator: "; ")
    }

    // MARK: What may happen

    private var stepsOfTheMoment: [Step] {
        mutating get {
            let steps = steps
            guard setting.rest > 0, random.chance(setting.rest) else { return steps }
            let others = steps.filter { if case .enter = $0 { false } else { true } }
            return others.isEmpty ? steps : others
        }
    }

    private var steps: [Step] {
        var steps: [Step] = []
        for (number, contestant) in contestants.enumerated() {
            if contestant.actors.isEmpty, contestant.rounds > 0 { steps.append(.enter(number)) }
            if contestant.isInBody { steps.append(.endBody(number)) }
        }
        for (number, actor) in actors.enumerated() where !actor.isOver {
            for (index, pause) in actor.pauses.enumerated() {
                // Long enough for stragglers to be gone.
                if pause.pause == .untilStragglersAreGone, !clients[actor.client].stragglers.isEmpty { continue }
                steps.append(.pause(number, index))
            }
        }
        let mayWrite = log.count < setting.lag
        for (number, client) in clients.enumerated() {
            if let next = client.toServer.first, mayWrite || !next.request.isWrite { steps.append(.serve(number)) }
            if servers[number].applied < log.count { steps.append(.apply(number)) }
            if !client.toClient.isEmpty { steps.append(.deliver(number)) }
            if !client.stragglers.isEmpty, mayWrite { steps.append(.straggle(number)) }
            if !client.isConnected { steps.append(.reconnect(number)) }
            if !client.leaseIsValid, client.isConnected, !client.isExpired { steps.append(.renew(number)) }
        }
        return steps
    }

    /// What goes wrong, as far as the budget allows it still.
    private var faults: [Step] {
        var steps: [Step] = []
        let mayWrite = log.count < setting.lag
        for (number, client) in clients.enumerated() {
            if budget.breaks > 0, client.isConnected { steps.append(.cut(number)) }
            if budget.expiries > 0, client.leaseIsValid, !client.isExpired { steps.append(.lapse(number)) }
            if !client.leaseIsValid, !client.isExpired, mayWrite { steps.append(.expire(number)) }
        }
        if budget.givingUp > 0 {
            for (number, contestant) in contestants.enumerated()
            where !contestant.actors.isEmpty && !contestant.isInBody && !contestant.isLeaving {
                steps.append(.giveUp(number))
            }
        }
        if budget.deletions > 0, mayWrite { steps += contenders.map { .delete($0) } }
        if budget.reapings > 0, mayWrite {
            steps += paths.filter { tree.nodes[$0]?.children.isEmpty == true }.map { .reap($0) }
        }
        return steps
    }

    private mutating func take(_ step: Step) {
        story?.append("* \(step)")
        switch step {
        case .enter(let number): begin(number)
        case .endBody(let number): endBody(number)
        case .pause(let number, let index):
            let pause = actors[number].pauses.remove(at: index)
            post(number, pause.post, of: actors[number].entry)
        case .serve(let number): serve(number)
        case .apply(let number): apply(number)
        case .deliver(let number): deliver(number)
        case .straggle(let number): straggle(number)
        case .reconnect(let number): reconnect(number)
        case .renew(let number): clients[number].leaseIsValid = true
        case .cut(let number):
            budget.breaks -= 1
            lose(number)
        case .lapse(let number):
            budget.expiries -= 1
            lapse(number)
        case .expire(let number):
            clients[number].isExpired = true
            write(.closeSession, session: clients[number].session, origin: nil)
        case .giveUp(let number):
            budget.givingUp -= 1
            leave(number)
        case .delete(let node):
            budget.deletions -= 1
            deletedByHand.insert(node)
            write(.delete(node, version: nil), session: 0, origin: nil)
        case .reap(let path):
            budget.reapings -= 1
            write(.delete(path, version: nil), session: 0, origin: nil)
        }
        trim()
    }

    mutating func find(_ kind: Verdict.Kind, _ text: @autoclosure () -> String) {
        guard verdict == nil, setting.kinds.contains(kind) else { return }
        verdict = Verdict(kind: kind, text: text())
    }

    mutating func note(_ text: @autoclosure () -> String) {
        if story != nil { story?.append("  " + text()) }
    }
}
