import ArgumentParser
import ToolArguments
import ZooKeeper

/// The command line.
struct Options: ParsableArguments {
    @Option(
        help: .init(
            "Use these servers instead of one that is started for the run.",
            valueName: "host:port,...[/chroot]"
        )
    )
    var servers: String?

    @Flag(help: "Start an ensemble of three servers for the run, instead of one.")
    var ensemble = false

    @Option(help: "How many workers there are, each with a session of its own.")
    var workers = 6

    @Option(help: "How often each worker takes the lock.")
    var rounds = 3

    @Option(
        help: .init("How long each holds it: 300ms, 2s, 0 (default: 300ms).", valueName: "duration"),
        transform: Duration.init(argument:)
    )
    var hold = Duration.milliseconds(300)

    @Option(help: "The lock.")
    var path = "/fair-queue/demo"

    @Option(
        help: .init(
            "How long the servers keep the session of a worker that is silent (default: 3s, with --ensemble 6s, with --partition 2s, with --servers 10s).",
            valueName: "duration"
        ),
        transform: Duration.init(argument:)
    )
    var sessionTimeout: Duration?

    @Option(
        help: .init(
            "The tickTime of --servers, a part of the bound on the recovery (default: 2s).",
            valueName: "duration"
        ),
        transform: Duration.init(argument:)
    )
    var tickTime: Duration?

    @Flag(help: "Run worker 1 as a process of its own, and kill -9 it while it holds the lock.")
    var crash = false

    @Flag(help: "Kill -9 the leader of the ensemble in the middle of the run (implies --ensemble).")
    var killLeader = false

    @Flag(
        help: .init(
            "Cut the follower of worker 1 off from the other servers while that worker holds the lock (implies --ensemble).",
            discussion: """
                The worker keeps the lock until it is told to stop, which is before the leader gives the lock away. When \
                the servers reach each other again it takes the rest of its turns; the one that was cut short counts.
                """
        )
    )
    var partition = false

    @Flag(help: "Write one JSON object a line, for programs.")
    var json = false

    mutating func validate() throws {
        func demand(_ condition: Bool, _ message: String) throws {
            guard condition else { throw ValidationError(message) }
        }
        try demand((1...500).contains(workers), "--workers \(workers): 1 to 500")
        try demand((1...100_000).contains(rounds), "--rounds \(rounds): 1 to 100000")
        try demand(hold <= .seconds(3600), "--hold \(hold.brief): at most an hour")
        try demand(!crash || workers >= 2, "--crash needs a second worker, who gets the lock next: --workers 2 or more")
        try demand(servers == nil || !ensemble, "--ensemble starts servers of its own: not with --servers")
        try demand(servers == nil || !killLeader, "--kill-leader kills servers of its own only: not with --servers")
        try demand(
            !crash || !killLeader, "--kill-leader and --crash: one at a time, so that its figure means something")
        try demand(
            !killLeader || hold * (workers * rounds / 2) >= Self.shortestHalf,
            "--kill-leader: the run would be over before; half of it has to last \(Self.shortestHalf.brief): "
                + "a longer --hold, or more --rounds"
        )
        try validatePartition(demand)
        try demand(tickTime == nil || servers != nil, "--tick-time is about --servers")
        try demand(tickTime ?? .seconds(1) > .zero, "--tick-time 0: more than zero")
        if let sessionTimeout {
            try demand(
                sessionTimeout >= .seconds(1) && sessionTimeout <= .seconds(600),
                "--session-timeout \(sessionTimeout.brief): 1 second to 10 minutes"
            )
        }
        do {
            try demand(try NodePath(path) != .root, "--path /: a lock has a name")
        } catch let error as ZooKeeperError {
            throw ValidationError("--path '\(path)': \(error.detail)")
        }
    }

    private func validatePartition(_ demand: (Bool, String) throws -> Void) throws {
        guard partition else { return }
        try demand(servers == nil, "--partition cuts servers of its own only: not with --servers")
        try demand(!crash, "--partition and --crash: one at a time, so that its figure means something")
        try demand(!killLeader, "--partition and --kill-leader: one at a time, so that its figure means something")
        try demand(workers >= 2, "--partition needs a second worker, who gets the lock next: --workers 2 or more")
        if let sessionTimeout {
            try demand(
                Partition.sessionTimeouts.contains(sessionTimeout),
                "--partition --session-timeout \(sessionTimeout.brief): "
                    + "\(Partition.sessionTimeouts.lowerBound.brief) to \(Partition.sessionTimeouts.upperBound.brief), "
                    + "so that the session ends before the servers notice the partition"
            )
        }
    }

    /// From the kill of the leader to the end there has to be time for both to be seen.
    private static let shortestHalf = Duration.milliseconds(200)

    var plan: Plan {
        // The middle of the run: there is a before and an after.
        Plan(
            workers: workers,
            rounds: rounds,
            hold: hold,
            path: path,
            crashRound: crash ? (rounds + 1) / 2 : nil,
            leaderKillTurn: killLeader ? (workers * rounds + 1) / 2 : nil,
            partitionRound: partition ? (rounds + 1) / 2 : nil
        )
    }

    var chosenServers: Servers {
        if partition { return .partitionable }
        guard let servers else { return ensemble || killLeader ? .ensemble : .embedded }
        return .given(connectString: servers, tickTime: tickTime ?? Servers.usualTickTime)
    }
}
