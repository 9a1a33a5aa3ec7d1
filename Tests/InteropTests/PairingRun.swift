import FoundationEssentials
import TestSupport
import ZooKeeper

/// The processes of a pairing at work, with a lock and a counter beneath a root of their own.
struct PairingRun {
    struct Result: Sendable {
        var history: History
        /// What the counter has come to.
        var counter: Int
        /// What was still in the queue when all had released, and all sessions were still there.
        var leftBehind: [String]
        /// What became of the one that asked while another one held.
        var answer: Answer?
    }

    enum Answer: Equatable, Sendable {
        case granted
        case failed(String)
        case waited
    }

    struct TooLong: Error {}

    private static let limit = Duration.seconds(60)
    /// After so long without an answer the one that asks is waiting: a round trip takes a few milliseconds.
    private static let patience = Duration.seconds(5)

    let pairing: Pairing
    private let root: String

    init(_ pairing: Pairing) {
        self.pairing = pairing
        root = "/interop-\(pairing.number)"
    }

    /// All work at once, with so many contenders and so many cycles each.
    func contend(contenders: Int, cycles: Int) async throws -> Result {
        let workers = pairing.workers.indices
        return try await run(["\(contenders)", "\(cycles)", "1"]) { crew in
            try await crew.await("ready", of: workers)
            for worker in workers { crew.tell(worker) }
            try await crew.await("done", of: workers)
            return nil
        }
    }

    /// The second one asks while the first one holds.
    func probe() async throws -> Result {
        try await run(["1", "1", "-"]) { crew in
            try await crew.await("ready", of: [0, 1])
            crew.tell(0)
            try await crew.await("holding", of: [0])
            crew.tell(1)
            let answer = try await crew.answer(of: 1, within: Self.patience)
            crew.tell(0)
            var busy: Set = [0]
            if answer == .granted {
                crew.tell(1)
                busy = [0, 1]
            }
            try await crew.await("done", of: busy)
            return answer
        }
    }

    private func run(
        _ work: [String], _ body: @escaping @Sendable (inout Crew) async throws -> Answer?
    ) async throws -> Result {
        let root = root
        return try await InteropServer.withClient { server, client in
            let counter = try NodePath("\(root)/counter")
            _ = try await client.create(try NodePath(root))
            _ = try await client.create(counter, data: Array("0".utf8))
            let witness = try Witness()
            defer { witness.remove() }
            let commands = try pairing.workers.enumerated().map { number, worker in
                try Programs.command(worker.program) + ["\(number)", server.connectString, root, witness.file]
                    + work + [worker.recipe] + (worker.naming.map { [$0] } ?? [])
            }
            let (answer, leftBehind) = try await Self.inTime {
                try await Crew.with(commands) { crew in
                    let answer = try await body(&crew)
                    let path = try NodePath("\(root)/lock")
                    // Where nobody locks, there is none.
                    return (answer, try await client.exists(path) == nil ? [] : try await client.children(path))
                }
            }
            let text = String(decoding: try await client.get(counter).data, as: UTF8.self)
            return Result(
                history: try History(witness.text), counter: Int(text) ?? -1, leftBehind: leftBehind, answer: answer)
        }
    }

    private static func inTime<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await withThrowingTaskGroup(of: R.self) { group in
            group.addTask(operation: body)
            group.addTask {
                try await Task.sleep(for: limit)
                throw TooLong()
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}

/// The file that the workers write to.
struct Witness {
    let file = FileManager.default.temporaryDirectory.path + "/interop-\(UInt64.random(in: 0 ... .max))"

    init() throws {
        try Data().write(to: URL(filePath: file))
    }

    var text: String {
        get throws { String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self) }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: file)
    }
}

extension Crew {
    /// What becomes of a worker that has been told to ask for the lock.
    fileprivate mutating func answer(of worker: Int, within limit: Duration) async throws -> PairingRun.Answer {
        guard let next = try await next(within: limit) else { return .waited }
        if next.worker == worker {
            if next.event == .state("holding") { return .granted }
            if case .ended(let error?) = next.event { return .failed(error) }
        }
        throw UnexpectedEvent(worker: next.worker, event: next.event)
    }
}
