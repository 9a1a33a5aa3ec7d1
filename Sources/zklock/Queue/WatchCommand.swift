import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the queue of a lock now and whenever somebody comes or goes, until Ctrl-C.",
        discussion: """
            Nothing is asked for in between: the servers tell of each change. In a terminal the picture is drawn anew; piped, each \
            change is a line.

            Examples:
              zklock watch /locks/deploy
              zklock watch /locks/deploy --json | jq -r '.contenders | length'
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Write one JSON object for each change, with the whole queue.")
    var json = false

    @Argument(help: "The lock.", transform: ConnectionOptions.path)
    var path: NodePath

    func run() async throws {
        // The session keeps nothing that others would wait for, so Ctrl-C may end the process as it likes.
        try await ZooKeeperClient.with(try connection.configuration()) { client in
            for try await queue in client.queueChanges(of: path) {
                guard Terminal.write(text(of: queue)) else { return }
            }
        }
    }

    private func text(of queue: QueueSnapshot) -> String {
        if json { return QueueText.line(watching: queue).text + "\n" }
        let now = Int64(time(nil)) * 1000
        guard Terminal.canRedraw else {
            let holder = queue.holder.map { "held by \(QueueText.who($0)), token \($0.fencingToken)" } ?? "free"
            return "\(queue.path): \(holder), \(queue.waiting.count) waiting\n"
        }
        let rows = QueueText.table(queue, now: now).split(separator: "\n").prefix(max(1, Terminal.size.rows - 3))
        let columns = Terminal.size.columns
        return "\u{1b}[H\u{1b}[2J\(queue.path)\n\n" + rows.map { $0.prefix(columns) + "\n" }.joined()
    }
}
