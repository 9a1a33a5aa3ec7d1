import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct RunCommand: AsyncParsableCommand {
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
            when it was lost while the command ran; 125 when zklock failed itself; 126 when the command cannot be run; 127 when \
            it is not found; 64 for a wrong command line.

            Examples:
              zklock run /locks/backup -- ./backup.sh /srv
              zklock run --try --conflict-exit-code 0 /locks/nightly -- ./report.sh
              zklock run --timeout 5m --label "deploy $USER" /locks/deploy -- make deploy
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: .init("Give up after this time, and exit with 124.", valueName: "duration"),
        transform: Duration.init(argument:))
    var timeout: Duration?

    @Flag(name: .customLong("try"), help: "Do not wait at all for others.")
    var onlyIfAvailable = false

    @Option(help: .init("What others see of you in the queue (default: the command's name).", valueName: "text"))
    var label: String?

    @Option(help: .init("Exit with this, not with 124, when the lock was not obtained.", valueName: "number"))
    var conflictExitCode: Int32 = ExitStatus.notObtained.rawValue

    @Option(
        help: .init(
            "How long a command that lost the lock has to end by itself; at most a fifth of the session timeout, which is raised for it unless given (default: 2s).",
            valueName: "duration"),
        transform: Duration.init(argument:))
    var killAfter: Duration?

    @Flag(name: [.customLong("private")], help: "Only who authenticates as you may enter, see or break this lock.")
    var isPrivate = false

    @Flag(help: "Do not tell the command when somebody asks for the lock (zklock revoke).")
    var ignoreRevocation = false

    @Flag(name: .shortAndLong, help: "Say nothing; the exit status does.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say on standard error what happens.")
    var verbose = false

    @Argument(help: "The lock, for example /locks/backup.", transform: ConnectionOptions.path)
    var path: NodePath

    @Argument(parsing: .postTerminator, help: "What to run, after --.")
    var command: [String]

    mutating func validate() throws {
        func demand(_ condition: Bool, _ message: String) throws {
            guard condition else { throw ValidationError(message) }
        }
        try demand(!command.isEmpty, "what to run is missing: zklock run \(path) -- COMMAND")
        try demand(path != .root, "/ cannot be a lock: name a path below it")
        try demand(!(onlyIfAvailable && timeout != nil), "--try does not wait: not with --timeout")
        try demand(!(quiet && verbose), "--quiet or --verbose, not both")
        try demand((0...255).contains(conflictExitCode), "--conflict-exit-code \(conflictExitCode): 0 to 255")
        try demand(
            label?.utf8.count ?? 0 <= Owner.maximumLabelLength,
            "--label: at most \(Owner.maximumLabelLength) bytes")
        if let killAfter {
            // Whatever else is fitted to it.
            let timeout = connection.sessionTimeout ?? .seconds(600)
            let longest = RunPlan.killShare(of: timeout)
            try demand(
                killAfter <= longest,
                "--kill-after \(killAfter.brief): at most \(longest.brief), a fifth of a --session-timeout of \(timeout.brief)"
            )
        }
        if isPrivate, try connection.credential() == nil {
            throw ValidationError("--private needs to know who you are: ZKLOCK_AUTH or --auth-file")
        }
    }

    private static let usualKillAfter = Duration.seconds(2)

    func run() async throws {
        let plan = RunPlan(
            path: path,
            timeout: onlyIfAvailable ? .zero : timeout,
            label: label ?? command.first.map { String($0.split(separator: "/").last ?? "") },
            acl: isPrivate ? [.creator] : [.open],
            conflictExitCode: conflictExitCode,
            killAfter: killAfter ?? Self.usualKillAfter,
            ignoresRevocation: ignoreRevocation,
            voice: quiet ? .silent : verbose ? .verbose : .normal,
            configuration: try configuration())
        let raw = RawArguments.all.suffix(command.count)
        var run = LockedRun(plan)
        throw ExitCode(await run.execute(Array(raw)))
    }

    private func configuration() throws -> ZooKeeperClient.Configuration {
        let needed = max(ConnectionOptions.usualSessionTimeout, (killAfter ?? Self.usualKillAfter) * 6)
        var configuration = try connection.configuration(
            sessionTimeout: min(needed, .seconds(600)), isVerbose: verbose)
        // Who gives up after a while wants to have given up by then.
        if let timeout, timeout >= .seconds(1) {
            configuration.connectTimeout = min(configuration.connectTimeout, timeout)
        }
        return configuration
    }
}

/// What is to be done.
struct RunPlan: Sendable {
    enum Voice: Sendable { case silent, normal, verbose }

    var path: NodePath
    /// Zero: take it or leave it.
    var timeout: Duration?
    var label: String?
    var acl: [ACL]
    var conflictExitCode: Int32
    var killAfter: Duration
    var ignoresRevocation = false
    var voice: Voice
    var configuration: ZooKeeperClient.Configuration

    /// The longest time between the request to end and the kill. While all is well a lease lasts for a third of the session timeout
    /// at the least; what is left of that is the outage that a command survives.
    static func killShare(of sessionTimeout: Duration) -> Duration { sessionTimeout / 5 }

    /// How long before the end of the lease everybody is to be dead.
    static func margin(of sessionTimeout: Duration) -> Duration { sessionTimeout / 20 }
}
