import ArgumentParser
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// What holds for a command under a lock, however it comes to it.
struct CommandOptions: ParsableArguments {
    @Option(help: .init("What others see of you in the queue (default: the command's name).", valueName: "text"))
    var label: String?

    @Option(
        help: .init(
            "How long a command that lost the lock has to end by itself; at most a fifth of the session timeout, which is raised for it unless given (default: 2s).",
            valueName: "duration"),
        transform: Duration.init(argument:))
    var killAfter: Duration?

    @Flag(name: [.customLong("private")], help: "Only who authenticates as you may enter, see or break this lock.")
    var isPrivate = false

    @Option(
        help: .init(
            "Be recognized by programs with that library on the same path: curator, kazoo or go-zookeeper. All of them are waited for anyway.",
            valueName: "library"))
    var recognize = Library.curator

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

    private static let usualKillAfter = Duration.seconds(2)

    mutating func validate() throws {
        func demand(_ condition: Bool, _ message: String) throws {
            guard condition else { throw ValidationError(message) }
        }
        try demand(!command.isEmpty, "the command is missing: end with \(path) -- COMMAND")
        try demand(path != .root, "/ cannot be a lock: name a path below it")
        try demand(!(quiet && verbose), "--quiet or --verbose, not both")
        try demand(
            label?.utf8.count ?? 0 <= Owner.maximumLabelLength,
            "--label: at most \(Owner.maximumLabelLength) bytes")
    }

    /// What only the two together can tell.
    func validate(with connection: ConnectionOptions) throws {
        if let killAfter {
            // Whatever else is fitted to it.
            let timeout = connection.sessionTimeout ?? .seconds(600)
            let longest = RunPlan.killShare(of: timeout)
            guard killAfter <= longest else {
                throw ValidationError(
                    "--kill-after \(killAfter.brief): at most \(longest.brief), a fifth of a --session-timeout of \(timeout.brief)"
                )
            }
        }
        if isPrivate, try connection.credential() == nil {
            throw ValidationError("--private needs to know who you are: ZKLOCK_AUTH or --auth-file")
        }
    }

    func plan(_ connection: ConnectionOptions) throws -> RunPlan {
        let killAfter = killAfter ?? Self.usualKillAfter
        let sessionTimeout = max(ConnectionOptions.usualSessionTimeout, killAfter * 6)
        return RunPlan(
            path: path,
            naming: recognize.naming,
            label: label ?? command.first.map { String($0.split(separator: "/").last ?? "") },
            acl: isPrivate ? [.creator] : [.open],
            killAfter: killAfter,
            ignoresRevocation: ignoreRevocation,
            voice: quiet ? .silent : verbose ? .verbose : .normal,
            configuration: try connection.configuration(
                sessionTimeout: min(sessionTimeout, .seconds(600)), isVerbose: verbose))
    }

    /// Carries out `plan`, and exits as the command did, or with what zklock has to say.
    func carryOut(_ plan: RunPlan) throws -> Never {
        // Byte for byte: arguments need not be text.
        let run = try LockedRun(plan, Array(RawArguments.all.suffix(command.count)))
        Zklock.inTasks {
            var run = run
            throw ExitCode(await run.execute())
        }
    }
}

/// Whose names contenders can have.
enum Library: String, ExpressibleByArgument, CaseIterable {
    case curator, kazoo
    case goZookeeper = "go-zookeeper"

    var naming: ContenderNaming {
        switch self {
        case .curator: .curator
        case .kazoo: .kazoo
        case .goZookeeper: .goZookeeper
        }
    }
}
