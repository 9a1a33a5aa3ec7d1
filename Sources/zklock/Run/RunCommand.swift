import ArgumentParser
import ToolArguments
import ZooKeeper

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Wait for a lock, run a command while holding it, and exit as the command did.",
        usage: "zklock run [<options>] <path> -- <command> [<argument> ...]",
        discussion: """
            Whoever asks first is served first, across all machines. The command has standard input, output and error and the \
            terminal to itself, and finds the lock in ZKLOCK_PATH, its znode in ZKLOCK_NODE and the fencing token in ZKLOCK_TOKEN: \
            a number that rises with every holder.

            When the lock is lost while the command runs, everything that the command has started is asked to end (SIGTERM) and \
            killed after --kill-after. Without a connection that is done before the servers may give the lock to the next one. \
            A command that was suspended (Ctrl-Z) for longer than the lock lasts is killed. Processes that the command leaves behind \
            when it exits are left alone; what is left of one that was killed is ended before the lock is given back.

            When somebody asks for the lock (`zklock revoke`), the command's process group gets a SIGTERM, and keeps the lock until \
            it ends, however long that takes.

            Exit status: that of the command (128 + n when signal n ended it); 124 when the lock was not obtained in time; 123 \
            when it was lost while the command ran, or before it could be started; 125 when zklock failed itself; 126 when the command \
            cannot be run; 127 when it is not found; 64 for a wrong command line.

            Examples:
              zklock run /locks/backup -- ./backup.sh /srv
              zklock run --try --conflict-exit-code 0 /locks/nightly -- ./report.sh
              zklock run --timeout 5m --label "deploy $USER" /locks/deploy -- make deploy
              zklock run --shared /locks/data -- ./read.sh
              zklock run --permits 3 /locks/encoders -- ./encode.sh
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: .init("Give up after this time, and exit with 124.", valueName: "duration"),
        transform: Duration.init(argument:))
    var timeout: Duration?

    @Flag(name: .customLong("try"), help: "Do not wait at all for others.")
    var onlyIfAvailable = false

    @Option(help: .init("Exit with this, not with 124, when the lock was not obtained.", valueName: "number"))
    var conflictExitCode: Int32 = ExitStatus.notObtained.rawValue

    @Flag(help: "Hold it together with others that say so as well; one that does not holds it alone.")
    var shared = false

    @Option(
        help: .init(
            "Hold one of so many permits, which as many may hold at a time. All who use the lock have to name the same number.",
            valueName: "number"))
    var permits: Int?

    @OptionGroup var options: CommandOptions

    mutating func validate() throws {
        guard !(onlyIfAvailable && timeout != nil) else {
            throw ValidationError("--try does not wait: not with --timeout")
        }
        guard (0...255).contains(conflictExitCode) else {
            throw ValidationError("--conflict-exit-code \(conflictExitCode): 0 to 255")
        }
        guard !(shared && permits != nil) else { throw ValidationError("--shared or --permits, not both") }
        if let permits {
            guard (1...99_999_999).contains(permits) else { throw ValidationError("--permits \(permits): 1 or more") }
            guard options.recognize == .curator else {
                throw ValidationError("--permits: other libraries have no such lock, so not with --recognize")
            }
        }
        try options.validate(with: connection)
    }

    func run() throws {
        var plan = try options.plan(connection)
        plan.timeout = onlyIfAvailable ? .zero : timeout
        plan.share = shared ? .readers : permits.map { .permits($0) } ?? .nobody
        plan.conflictExitCode = conflictExitCode
        // Who gives up after a while wants to have given up by then.
        if let timeout, timeout >= .seconds(1) {
            plan.configuration.connectTimeout = min(plan.configuration.connectTimeout, timeout)
        }
        try options.carryOut(plan)
    }
}
