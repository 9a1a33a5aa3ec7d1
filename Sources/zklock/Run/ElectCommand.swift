import ArgumentParser

struct ElectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "elect",
        abstract: "Run for an office, run a command while in it, and run again when it is lost.",
        usage: "zklock elect [<options>] <path> -- <command> [<argument> ...]",
        discussion: """
            For a service of which one is to be active on many machines. The office is a lock: whoever asks first is served first, and \
            `zklock ls`, `watch`, `revoke` and `break` show and change who has it. The command is started on election, and finds the office in ZKLOCK_PATH, \
            its znode in ZKLOCK_NODE and the number of its term in ZKLOCK_TOKEN: a number that rises with every leader. It is no \
            count, terms of others lie between.

            When the office is lost, because the servers cannot be reached, or took it away, or somebody did, everything that the command \
            has started is asked to end (SIGTERM) and killed after --kill-after, as `zklock run` does; then zklock queues again, behind the others, and \
            starts the command anew when it is elected. When somebody asks for the office (`zklock revoke`), the command gets a SIGTERM, and \
            when it has ended, zklock queues again as well. A command that ends by itself leaves the office for good: zklock exits as it did, and \
            the next one is elected. What starts services (systemd, with Restart=always) makes a candidate of it again.

            Signals are passed on to the command. A SIGTERM or SIGINT also ends the candidacy: when the command has ended, zklock \
            does too, even if the office is lost meanwhile. So does a SIGHUP or SIGQUIT while it waits for the office, or when that has just been lost.

            Exit status: that of the command (128 + n when signal n ended it, or zklock while it waited); 123 when somebody asked it to \
            end and the office was lost before the command had ended; 125 when zklock failed itself; 126 when the command cannot be run; \
            127 when it is not found; 64 for a wrong command line.

            Examples:
              zklock elect /services/importer -- ./importer
              zklock elect --kill-after 10s --session-timeout 60s --label "$(hostname)" /services/importer -- ./importer
              zklock watch /services/importer
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var options: CommandOptions

    mutating func validate() throws {
        try options.validate(with: connection)
    }

    func run() throws {
        var plan = try options.plan(connection)
        plan.isElection = true
        try options.carryOut(plan)
    }
}
