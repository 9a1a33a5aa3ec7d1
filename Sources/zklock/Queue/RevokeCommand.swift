import ArgumentParser
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Ask whoever holds a lock to give it up.",
        discussion: """
            The request is written into the holder's znode, and the holder is told. What it does then is its own decision: a \
            `zklock run` sends SIGTERM to its command and keeps the lock until that has ended; a program with this library gets an \
            event. Programs with other libraries cannot be asked, except Curator's locks that were made revocable.

            Exit status: 0 when somebody was asked (with --wait: and is gone), or the lock is free; 124 when the holder has not gone \
            in time; 125 when it cannot be asked.

            Examples:
              zklock revoke /locks/deploy --reason "hotfix 4711 is waiting"
              zklock revoke /locks/deploy --wait 30s || zklock break /locks/deploy --token 4294967312
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: .init("Whom to ask, as `zklock ls` shows it (default: whoever holds the lock now).", valueName: "number"),
        transform: FencingToken.init(argument:))
    var token: FencingToken?

    @Option(help: .init("What to tell the holder.", valueName: "text"))
    var reason: String?

    @Option(
        help: .init("Wait so long for it to go.", valueName: "duration"),
        transform: Duration.init(argument:))
    var wait = Duration.zero

    @Argument(help: "The lock.", transform: ConnectionOptions.path)
    var path: NodePath

    mutating func validate() throws {
        guard reason?.utf8.count ?? 0 <= RevocationRequest.maximumReasonLength else {
            throw ValidationError("--reason: at most \(RevocationRequest.maximumReasonLength) bytes")
        }
    }

    func run() async throws {
        let (text, status) = try await ZooKeeperClient.with(try connection.configuration()) { client in
            try await revoke(client)
        }
        Zklock.complain(text)
        if let status { throw ExitCode(status.rawValue) }
    }

    private func revoke(_ client: ZooKeeperClient) async throws -> (String, ExitStatus?) {
        let lock = try DistributedLock(path, client: client)
        let asked = try await lock.revoke(token: token, reason: reason)
        guard let asked else { return ("\(path): it is free, or has just been given up", nil) }
        let who = "\(QueueText.who(asked)), token \(asked.fencingToken),"
        guard wait > .zero else { return ("\(path): \(who) is asked to give it up", nil) }
        return await client.isGone(asked, within: wait)
            ? ("\(path): \(who) was asked, and has gone", nil)
            : ("\(path): \(who) was asked \(wait.brief) ago, and has not gone", .notObtained)
    }
}
