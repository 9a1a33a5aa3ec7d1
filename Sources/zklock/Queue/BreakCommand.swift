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

    @Option(help: .init("The token that the contender must have.", valueName: "number"))
    var token: Int64

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
        let queue = try await client.queue(of: path)
        guard let entry = queue.entry(with: FencingToken(rawValue: token)) else {
            let holder = queue.holder.map { "it is held with token \($0.fencingToken) by \(QueueText.who($0))" }
            throw ZklockError("\(path): nobody here has token \(token); \(holder ?? "it is free")")
        }
        if grace > .zero, await isGone(entry, client) { return "\(QueueText.who(entry)) has gone by itself" }
        do throws(ZooKeeperError) {
            let (_, stat) = try await client.get(entry.node)
            guard stat.czxid == token else {
                throw ZooKeeperError(
                    .badVersion, operation: "break", path: entry.node, detail: "another znode has taken its place")
            }
            try await client.delete(entry.node, version: stat.version)
        } catch {
            guard error.code == .noNode else { throw error }
            return "\(QueueText.who(entry)) has gone by itself"
        }
        return "\(entry.node) is deleted: \(QueueText.who(entry)) has lost \(path)"
    }

    /// Waits for the deletion, for as long as the grace lasts.
    private func isGone(_ entry: QueueEntry, _ client: ZooKeeperClient) async -> Bool {
        let wait = Task {
            for try await value in client.changes(of: entry.node) where value?.stat.czxid != token { return true }
            return false
        }
        let timer = TimerThread.shared.schedule(at: .now + grace) { wait.cancel() }
        defer { TimerThread.shared.cancel(timer) }
        return (try? await wait.value) ?? false
    }
}
