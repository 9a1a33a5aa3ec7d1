import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// A worker as a process of its own, started by ``WorkerProcess``: writes its events to standard output and ends when
/// standard input does, so that it cannot outlive whoever started it.
struct CrashingWorkerCommand: AsyncParsableCommand {
    static let name = "crashing-worker"
    static let configuration = CommandConfiguration(commandName: name, shouldDisplay: false)

    @Argument(transform: Assignment.init(argument:))
    var assignment: Assignment

    func run() async throws {
        // Ctrl-C reaches every process of the terminal; the parent decides what happens then.
        signal(SIGINT, SIG_IGN)
        let (result, _) = await Interruption.cancelling(signals: [SIGTERM], endOfInput: true) { [assignment] in
            await Result.of { try await Self.work(assignment) }
        }
        try result.get()
    }

    private static func work(_ assignment: Assignment) async throws {
        let client = try await assignment.client.connect()
        let lock: DistributedLock
        do {
            lock = try client.lock(assignment.path)
        } catch {
            await client.close()
            throw error
        }
        await assignment.worker.run(lock) { event in
            guard let line = try? event.line() else { return }
            Terminal.write(line + "\n")
        }
        await client.close()
    }
}

extension Result where Failure == any Error {
    static func of(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
