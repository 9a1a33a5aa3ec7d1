import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct BreakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "break",
        abstract: "Take the lock, or a place in its queue, away from one contender.",
        discussion: """
            The contender is named by its token, as `zklock ls` shows it, so that nobody else is hit who has come to hold the lock \
            meanwhile. A `zklock run` that loses its lock in this way ends its command; other programs notice if they look.

            Examples:
              zklock break /locks/deploy --token 4294967312
              zklock break /locks/deploy --token 4294967312 --grace 30s
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: .init("The token that the contender must have.", valueName: "number"),
        transform: FencingToken.init(argument:))
    var token: FencingToken

    @Option(
        help: .init("Wait so long for it to go by itself.", valueName: "duration"),
        transform: Duration.init(argument:))
    var grace = Duration.zero

    @Argument(help: "The lock.", transform: ConnectionOptions.path)
    var path: NodePath

    func run() async throws {
        let outcome = try await ZooKeeperClient.with(try connection.configuration()) { client in
            try await self.break(client)
        }
        Zklock.complain(outcome)
    }

    private func `break`(_ client: ZooKeeperClient) async throws -> String {
        let lock = try DistributedLock(path, client: client)
        guard let entry = try await lock.break(token: token, after: grace) else {
            return "token \(token) has gone by itself"
        }
        return "\(entry.node) is deleted: \(QueueText.who(entry)) has lost \(path)"
    }
}
