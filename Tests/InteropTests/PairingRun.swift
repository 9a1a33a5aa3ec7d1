import FoundationEssentials
import TestSupport
import ZooKeeper
import ZooKeeperLocks

/// The processes of a pairing at work, with a lock and a counter beneath a root of their own.
struct PairingRun {
    struct Result: Sendable {
        var history: History
        /// What the counter has come to.
        var counter: Int
        /// What was still in the queue when all had released, and all sessions were still there.
        var leftBehind: [String]
        /// No update lost, nobody together with a writer, each in its turn, nothing left.
        var isSound: Bool {
            counter == history.updates && history.overlaps == 0 && history.outOfOrder == 0
                && history.disturbedReaders == 0 && leftBehind.isEmpty
        }
        /// What became of the one that asked while another one held.
        var answer: Answer?
    }

    enum Answer: Equatable, Sendable {
        case granted
        case failed(String)
        case waited
    }

    private static let startLimit = Duration.seconds(60)
    private static let grantLimit = Duration.milliseconds(100)
    /// After so long without an answer the one that asks is waiting: it takes a few milliseconds, on a busy machine a second.
    private static let patience = Duration.seconds(20)

    let pairing: Pairing
    private let root: String
    let path: NodePath

    init(_ pairing: Pairing) throws {
        self.pairing = pairing
        root = "/interop-\(pairing.number)"
        path = try NodePath("\(root)/lock")
    }

    /// All work at once, with so many contenders and so many cycles each.
    func contend(contenders: Int, cycles: Int) async throws -> Result {
        let workers = pairing.workers.indices
        return try await run(contenders: contenders, cycles: cycles, hold: "1") { crew, client in
            try await crew.await("ready", of: workers)
            // Some start sooner than others: nobody is granted the lock before all have queued.
            let gate = try await pairing.workers[0].hold(path, client)
            for worker in workers { crew.tell(worker) }
            if let gate {
                try await untilChildren(of: path, client, count: 1 + workers.count * contenders)
                await gate.release()
            }
            try await crew.await("done", of: workers)
            return nil
        }
    }

    /// The second one asks while the first one holds.
    func probe() async throws -> Result {
        try await run(contenders: 1, cycles: 1, hold: "-") { crew, client in
            var isHolding = true
            try await crew.await("ready", of: [0, 1])
            crew.tell(0)
            try await crew.await("holding", of: [0])
            crew.tell(1)
            if pairing.workers[0].recipe == .downgrade {
                // It goes on to read when the other one has queued.
                try await untilChildren(of: path, client, count: 2)
                crew.tell(0)
                isHolding = false
            }
            let answer = try await crew.answer(of: 1, whileHolding: &isHolding, within: Self.patience)
            var busy: Set = [0]
            crew.tell(0)
            if !answer.isFailure {
                busy.insert(1)
                crew.tell(1)
            }
            try await crew.await("done", of: busy, passing: "holding")
            return answer
        }
    }

    /// Runs `body` with the processes, each of which has been started and told nothing yet.
    func run(
        contenders: Int, cycles: Int, hold: String,
        _ body: @escaping @Sendable (inout Crew, ZooKeeperClient) async throws -> Answer?
    ) async throws -> Result {
        let (root, path) = (root, path)
        return try await InteropServer.withClient { server, client in
            let counter = try NodePath("\(root)/counter")
            _ = try await client.create(try NodePath(root))
            _ = try await client.create(counter, data: Array("0".utf8))
            // It goes with the server.
            let witness = "\(server.directory)/witness-\(pairing.number)"
            try Data().write(to: URL(filePath: witness))
            let limit = Self.startLimit + Self.grantLimit * (pairing.workers.count * contenders * cycles)
            let commands = try pairing.workers.enumerated().map { number, worker in
                // Should the tests be killed, it does not stay for ever.
                try ["timeout", "--foreground", "--kill-after=5", "\(limit.components.seconds + 10)"]
                    + Programs.command(worker.program) + ["\(number)", server.connectString, root, witness]
                    + ["\(contenders)", "\(cycles)", hold, worker.recipe.rawValue] + (worker.naming.map { [$0] } ?? [])
            }
            let (answer, leftBehind) = try await within(limit) {
                try await Crew.with(commands) { crew in
                    let answer = try await body(&crew, client)
                    // Where nobody locks, there is none.
                    return (answer, try await client.exists(path) == nil ? [] : try await client.children(path))
                }
            }
            let text = String(decoding: try await client.get(counter).data, as: UTF8.self)
            return Result(
                history: try History(
                    String(decoding: try Data(contentsOf: URL(filePath: witness)), as: UTF8.self)),
                counter: Int(text) ?? -1, leftBehind: leftBehind, answer: answer)
        }
    }
}

extension Worker {
    /// Takes a lock that those who use this recipe of ours wait for; `nil` where nobody locks.
    fileprivate func hold(_ path: NodePath, _ client: ZooKeeperClient) async throws -> Lease? {
        guard recipe != .none else { return nil }
        var options = DistributedLock.Options()
        options.naming = ContenderNaming.allCases.first { "\($0)" == naming } ?? options.naming
        if isShared {
            return try await DistributedReadWriteLock(path, client: client, options: options).writeLock.acquire()
        }
        return try await DistributedLock(path, client: client, options: options).acquire()
    }
}

extension PairingRun.Answer {
    fileprivate var isFailure: Bool {
        if case .failed = self { true } else { false }
    }
}

extension Crew {
    /// What becomes of a worker that has been told to ask for the lock, once the first one holds it.
    fileprivate mutating func answer(
        of worker: Int, whileHolding isHolding: inout Bool, within limit: Duration
    ) async throws -> PairingRun.Answer {
        var answer: PairingRun.Answer?
        while true {
            if isHolding, let answer { return answer }
            guard let next = try await next(within: limit) else {
                answer = answer ?? .waited
                continue
            }
            switch next.event {
            case .state("holding") where next.worker == worker: answer = .granted
            case .state("holding"): isHolding = true
            case .ended(let error?) where next.worker == worker: answer = .failed(error)
            default: throw UnexpectedEvent(worker: next.worker, event: next.event)
            }
        }
    }
}
