import ZooKeeper

@testable import ZooKeeperLocks

/// Processes whose tasks take turns, one server, and a seed that says who goes on next: the production turn machines, each with the production
/// queue machines of its znodes. What a process asks is answered in order, and whenever the seed has it; sessions end.
struct TurnWorld {
    typealias Machine = TurnMachine<Int>

    enum Request {
        case ask(node: Int, QueueMachine.Action)
        case look(node: Int)
    }

    enum Answer {
        case event(node: Int, QueueMachine.Event)
        case look(node: Int, isAlone: Bool)
        case sessionEnded
    }

    enum Task: Hashable {
        case idle
        case waiting(ticket: UInt64)
        case holding(Machine.Turn)
        case leaving
    }

    struct Process {
        var machine: Machine
        var session: Int
        var contenders: [Int: QueueMachine] = [:]
        var requests: [Request] = []
        var answers: [Answer] = []
        var tasks: [Task] = []
        var roundsLeft: [Int] = []
        var previous: String?
        var hasWaited: Set<Int> = []
        /// Who left as the last, by what it waits for.
        var leaving: [Int: Int] = [:]
        var lost: Set<Machine.Turn> = []
        var wakes: [Duration] = []
        /// Its session is about to end, and it knows that it cannot be sure.
        var isDoomed = false
        /// It has ended, and whatever is still asked of it gets no answer.
        var isOver = false
        /// Of the znode at hand: how many turns there were, and how many before the first that counts.
        var turns = 0
        var uncounted: Int?
        /// It was told that others are in the queue.
        var isTold = false
        var line: [Int] = []
    }

    let maxConsecutive: Int
    var random: SplitMix
    var server = TurnServer()
    var processes: [Process] = []
    var now = Duration.zero
    var lastToken: FencingToken?
    var grants = 0
    var losses = 0
    var withdrawals = 0
    var verdicts: [String] = []
    private var nextSession = 0
    private var faults: Int

    init(seed: UInt64, rules: TurnRules) {
        random = SplitMix(seed: seed)
        maxConsecutive = 1 + random.below(5)
        faults = random.below(4)
        let lingers = random.chance(50)
        for _ in 0..<(2 + random.below(2)) {
            let linger = lingers ? Duration.milliseconds(random.below(20)) : .zero
            // Some are about to run out of turns.
            let first = random.chance(10) ? UInt32.max - UInt32(random.below(5)) : 1
            var process = Process(
                machine: Machine(maxConsecutive: maxConsecutive, linger: linger, firstTurn: first, rules: rules),
                session: nextSession)
            nextSession += 1
            process.tasks = Array(repeating: .idle, count: 1 + random.below(5))
            process.roundsLeft = process.tasks.map { _ in 1 + random.below(8) }
            processes.append(process)
        }
    }

    /// - Returns: what was wrong.
    mutating func run() -> [String] {
        var steps = 0
        while verdicts.isEmpty, step() {
            steps += 1
            if steps > 60_000 {
                blame("somebody is stuck")
                break
            }
        }
        guard verdicts.isEmpty else { return verdicts }
        for (number, process) in processes.enumerated() {
            if process.roundsLeft.contains(where: { $0 > 0 }) || process.tasks.contains(where: { $0 != .idle }) {
                blame("tasks of process \(number) wait for ever")
            }
            if process.machine.node != .none { blame("process \(number) keeps its znode") }
        }
        if !server.names.isEmpty { blame("left behind: \(server.names)") }
        return verdicts
    }

    mutating func blame(_ verdict: String) { verdicts.append(verdict) }

    // MARK: Who goes on

    /// - Returns: false when nothing can happen any more.
    private mutating func step() -> Bool {
        var moves: [(inout TurnWorld) -> Void] = []
        for number in processes.indices {
            let process = processes[number]
            if !process.requests.isEmpty { moves.append { $0.serve(number) } }
            if !process.answers.isEmpty { moves.append { $0.hear(number) } }
            if process.isDoomed, !process.isOver { moves.append { $0.expire(number) } }
            for (task, state) in process.tasks.enumerated() {
                switch state {
                case .idle where process.roundsLeft[task] > 0: moves.append { $0.ask(number, task) }
                case .waiting where random.chance(1): moves.append { $0.leave(number, task) }
                case .holding: moves.append { $0.end(number, task) }
                default: break
                }
            }
        }
        if faults > 0, random.chance(3), let number = random.element(of: Array(processes.indices)),
            !processes[number].isDoomed
        {
            faults -= 1
            doom(number)
        } else if let move = random.element(of: moves) {
            move(&self)
        } else {
            let due = processes.indices.flatMap { number in processes[number].wakes.map { (number, $0) } }
            guard let (number, wake) = due.min(by: { $0.1 < $1.1 }) else { return false }
            now = max(now, wake)
            self.wake(number, wake)
        }
        now += .microseconds(random.below(2000))
        for number in processes.indices {
            while let wake = processes[number].wakes.first(where: { $0 <= now }) { self.wake(number, wake) }
        }
        judge()
        return true
    }

    private mutating func wake(_ number: Int, _ due: Duration) {
        guard let index = processes[number].wakes.firstIndex(of: due) else { return }
        processes[number].wakes.remove(at: index)
        processes[number].machine.woken(at: now)
        carryOut(number)
    }

    /// The lease is over before the session is: so the holder stops in time.
    private mutating func doom(_ number: Int) {
        processes[number].isDoomed = true
        for node in processes[number].contenders.keys.sorted() { post(number, node, .leaseEnded(.leaseExpired)) }
        carryOut(number)
    }

    private mutating func expire(_ number: Int) {
        let fired = server.expire(processes[number].session)
        (processes[number].requests, processes[number].answers) = ([], [.sessionEnded])
        tell(fired)
        processes[number].isOver = true
    }

    // MARK: What must hold

    private mutating func judge() {
        var holders = 0
        for (number, process) in processes.enumerated() {
            for case .holding(let turn) in process.tasks where !process.lost.contains(turn) { holders += 1 }
            if process.machine.line.isEmpty, case .entering = process.machine.node {
                blame("process \(number) queues, and nobody there wants the lock")
            }
            if process.machine.line.isEmpty, process.machine.holder == nil, process.isTold,
                case .held = process.machine.node
            {
                blame("process \(number) keeps what it does not use, and knows that others wait")
            }
        }
        if holders > 1 { blame("\(holders) hold at the same time") }
    }

    mutating func began(_ number: Int, _ task: Int, _ turn: Machine.Turn) {
        grants += 1
        if let lastToken, turn.token <= lastToken { blame("token \(turn.token) after \(lastToken)") }
        lastToken = max(lastToken ?? turn.token, turn.token)
        if case .held(_, isLost: false) = processes[number].contenders[turn.node]?.phase {
        } else {
            blame("a turn with a znode that is lost")
        }
        processes[number].turns += 1
        if let uncounted = processes[number].uncounted, processes[number].turns - uncounted > maxConsecutive {
            blame("\(processes[number].turns - uncounted) turns of \(maxConsecutive) while others wait")
        }
        if let first = processes[number].line.first, first != task { blame("task \(task) comes before \(first)") }
        processes[number].line.removeAll { $0 == task }
        processes[number].tasks[task] = .holding(turn)
    }
}
