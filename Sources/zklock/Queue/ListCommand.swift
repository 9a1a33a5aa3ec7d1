import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "Show who holds a lock and who waits for it, or all locks beneath a path.",
        discussion: """
            When somebody queues at the path itself, the queue is shown in order; otherwise each lock beneath it that is held.

            Examples:
              zklock ls
              zklock ls /locks/deploy
              zklock ls /locks --json
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Write one JSON object a line, for programs: one for each contender, or for each lock.")
    var json = false

    @Argument(help: "A lock, or the root of many (default: /).", transform: ConnectionOptions.path)
    var path: NodePath = .root

    func run() async throws {
        let (queue, locks) = try await ZooKeeperClient.with(try connection.configuration()) { client in
            let queue = try await client.queue(of: path)
            return (queue, queue.entries.isEmpty ? try await client.locks(beneath: path) : [])
        }
        let now = Int64(time(nil)) * 1000
        if json {
            let lines = queue.entries.isEmpty ? locks.map(QueueText.line) : QueueText.lines(queue)
            for line in lines { Terminal.write(line.text + "\n") }
        } else if queue.entries.isEmpty {
            if locks.isEmpty { return Zklock.complain("nobody holds a lock at or beneath \(path)") }
            Terminal.write(QueueText.table(locks, now: now))
        } else {
            Terminal.write(QueueText.table(queue, now: now))
        }
    }
}
