import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// One candidate: start several, in several terminals or on several machines, and end the one that leads.
@main
struct Candidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leader-election",
        abstract: "A service that runs once: one candidate of an election, which works while it leads.",
        discussion: """
            Ctrl-C resigns, and the next one leads at once. After a kill -9 the next one leads when the session is over. Where standard \
            input is a pipe, its end is the end of the candidate.
            """)

    @Option(help: .init("The servers.", valueName: "host:port,..."))
    var servers = "localhost:2181"

    @Option(help: .init("The election.", valueName: "path"))
    var election = "/examples/leader"

    @Option(help: .init("What the others see of this candidate (default: its process id).", valueName: "text"))
    var name: String?

    @Option(
        help: .init("How long the servers wait for a silent leader.", valueName: "duration"),
        transform: Duration.init(argument:))
    var sessionTimeout = Duration.seconds(4)

    @Option(
        help: .init("How often the leader does its work.", valueName: "duration"), transform: Duration.init(argument:))
    var every = Duration.seconds(1)

    @Option(
        help: .init("Write to the end of this file, line by line, instead of to standard output.", valueName: "file"))
    var report: String?

    func run() async throws {
        let output = try report.map { path in
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else {
                throw ValidationError("cannot write to \(path): \(String(cString: strerror(errno)))")
            }
            return file
        }
        // Ahead of every other thread.
        let end = EndOfCandidate()
        let (service, servers) = (self, self.servers)
        let life = Task {
            var configuration = ZooKeeperClient.Configuration(servers: servers)
            configuration.sessionTimeout = sessionTimeout
            try await ZooKeeperClient.with(configuration) { client in
                try await service.stand(client) { Terminal.write($0 + "\n", to: output ?? STDOUT_FILENO) }
            }
        }
        end.await { life.cancel() }
        try await life.value
    }

    private func stand(_ client: ZooKeeperClient, _ say: @escaping @Sendable (String) -> Void) async throws {
        let me = name ?? "\(getpid())"
        var options = LeaderElection.Options()
        options.label = me
        options.data = Array(me.utf8)
        let election = try client.election(election, options: options)
        // Whom to ask, for those that do not lead.
        let onlooker = Task {
            for try await leader in election.leaders where leader?.label != me {
                say("\(me) follows \(leader.map { String(decoding: $0.data, as: UTF8.self) } ?? "nobody")")
            }
        }
        defer { onlooker.cancel() }
        try await election.run { lease in
            while true {
                // The work; whatever it writes to refuses older tokens.
                try lease.checkHeld()
                say("\(me) leads \(lease.fencingToken)")
                try await Task.sleep(for: every)
            }
        }
        say("\(me) has resigned")
    }
}
