import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

@main
struct Zklock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zklock",
        abstract: "A fair lock across machines for commands and people, over ZooKeeper.",
        discussion: """
            Examples:
              zklock run /locks/backup -- ./backup.sh
              zklock run --try /locks/nightly -- ./report.sh
              zklock run --timeout 5m --label deploy /locks/deploy -- make deploy
              zklock elect /services/importer -- ./importer
              zklock ls /locks
              zklock watch /locks/deploy
              zklock revoke /locks/deploy --reason "hotfix" --wait 30s
              zklock break /locks/deploy --token 4294967312

            Servers come from --servers, else from ZKLOCK_SERVERS, else localhost:2181 is asked.
            """,
        subcommands: [
            RunCommand.self, ElectCommand.self, ListCommand.self, WatchCommand.self, RevokeCommand.self,
            BreakCommand.self, DoctorCommand.self, BenchCommand.self,
        ]
    )

    static func main() {
        _ = RawArguments.originalMask
        do {
            try start(parseAsRoot())
        } catch {
            end(error)
        }
    }

    private static func start(_ command: sending any ParsableCommand) throws -> Never {
        guard let command = command as? any AsyncParsableCommand else {
            var command = command
            try command.run()
            exit()
        }
        inTasks(command)
    }

    private static func inTasks(_ command: sending some AsyncParsableCommand) -> Never {
        inTasks {
            var command = command
            try await command.run()
        }
    }

    /// Runs `body`, and exits. Threads begin here.
    static func inTasks(_ body: sending @escaping @concurrent () async throws -> Void) -> Never {
        Task {
            do {
                try await body()
                exit()
            } catch {
                end(error)
            }
        }
        // This thread has nothing more to do. Signals may interrupt it.
        while true { pause() }
    }

    private static func end(_ error: any Error) -> Never {
        guard error is ZklockError || error is LockError || error is ZooKeeperError else { exit(withError: error) }
        complain(QueueText.plain("\(error)"))
        Glibc.exit(ExitStatus.failed.rawValue)
    }

    static func complain(_ text: String) {
        Terminal.write("zklock: \(text)\n", to: STDERR_FILENO)
    }
}

/// What zklock itself has to say by its exit status.
enum ExitStatus: Int32, CaseIterable {
    /// The lock was lost while the command ran, or before it could be started.
    case lost = 123
    /// The lock was not obtained in time.
    case notObtained = 124
    /// zklock failed itself: no connection, no rights, a wrong token.
    case failed = 125
    /// The command was found and cannot be run.
    case cannotRun = 126
    /// There is no such command.
    case notFound = 127

    /// For a command that could not be started, with that `errno`.
    init(startError: Int32) {
        self = startError == ENOENT ? .notFound : .cannotRun
    }
}

/// What this program was started with.
enum RawArguments {
    /// Taken on the main thread, before any other exists.
    static let originalMask = SignalMask.current

    /// Byte for byte.
    static var all: [[CChar]] {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
        }
    }
}
