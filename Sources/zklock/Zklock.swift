import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

@main
struct Zklock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zklock",
        abstract: "A fair lock across machines for commands and people, over ZooKeeper.",
        discussion: """
            Examples:
              zklock run /locks/backup -- ./backup.sh
              zklock run --try /locks/nightly -- ./report.sh
              zklock run --timeout 5m --label deploy /locks/deploy -- make deploy
              zklock ls /locks
              zklock watch /locks/deploy
              zklock revoke /locks/deploy --reason "hotfix" --wait 30s
              zklock break /locks/deploy --token 4294967312

            Servers come from --servers, else from ZKLOCK_SERVERS, else localhost:2181 is asked.
            """,
        subcommands: [
            RunCommand.self, ListCommand.self, WatchCommand.self, RevokeCommand.self, BreakCommand.self,
            DoctorCommand.self, BenchCommand.self,
        ]
    )

    static func main() async {
        // Before anything else: the guardian has one thread, and no use for a parser.
        if CommandLine.argc > 1, CommandLine.arguments[1] == Guardian.argument {
            guard var guardian = Guardian(RawArguments.all) else { Glibc.exit(ExitStatus.failed.rawValue) }
            guardian.run()
        }
        // As it was given to this program: threads of Swift's pool have others.
        RawArguments.originalMask.apply()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ZklockError {
            complain("\(error)")
            Glibc.exit(ExitStatus.failed.rawValue)
        } catch let error as LockError {
            complain(QueueText.plain("\(error)"))
            Glibc.exit(ExitStatus.failed.rawValue)
        } catch let error as ZooKeeperError {
            complain("\(error)")
            Glibc.exit(ExitStatus.failed.rawValue)
        } catch {
            exit(withError: error)
        }
    }

    static func complain(_ text: String) {
        Terminal.write("zklock: \(text)\n", to: STDERR_FILENO)
    }
}

/// What zklock itself has to say by its exit status.
enum ExitStatus: Int32 {
    /// The lock was lost while the command ran.
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
