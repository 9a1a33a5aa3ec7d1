import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper

@main
struct FairQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fair-queue",
        abstract: "Workers take one distributed lock in strict order of arrival, and a judge looks on.",
        // Without the subcommand, which is for this program alone.
        usage: "fair-queue [<options>]",
        discussion: """
            In a terminal the queue is drawn live; piped, each event is a line.

            Exit status: 0 when all went by the rules; 1 when somebody was served out of turn, two held at once, \
            tokens did not rise, a worker failed or the recovery from a crash took too long; 2 when the run could \
            not begin; 64 for a wrong command line; 130 after Ctrl-C.
            """,
        subcommands: [CrashingWorkerCommand.self]
    )

    @OptionGroup var options: Options

    func run() async throws {
        let (messages, feed) = AsyncStream.makeStream(of: Message.self)
        let report = options.report
        let watcher = Task { await Watcher.watch(messages, for: options.plan, report) }
        let ticker = Task { await Self.tick(report.refreshInterval, feed) }
        let demonstration = Demonstration(
            plan: options.plan,
            servers: options.chosenServers,
            sessionTimeout: options.sessionTimeout ?? options.chosenServers.sessionTimeout,
            isQuiet: report.ownsScreen,
            feed: feed
        )
        let (result, interruption) = await Interruption.cancelling(
            signals: [SIGINT, SIGTERM],
            onAbort: report.abort
        ) {
            await Result.of { try await demonstration.run() }
        }
        ticker.cancel()
        feed.finish()
        let summary = await watcher.value.end(interruption?.instant)
        if let interruption { throw ExitCode(interruption.exitStatus) }
        do {
            try result.get()
        } catch let error as ZooKeeperError where error.code == .invalidConnectString {
            throw ValidationError("--servers '\(options.servers ?? "")': \(error.detail)")
        } catch {
            complain("fair-queue: \(error)")
            throw ExitCode(2)
        }
        guard summary?.isGood == true else { throw ExitCode(1) }
    }

    private static func tick(_ interval: Duration?, _ feed: AsyncStream<Message>.Continuation) async {
        guard let interval else { return }
        while (try? await Task.sleep(for: interval)) != nil { feed.yield(.tick) }
    }

    private func complain(_ text: String) {
        Terminal.write(text + "\n", to: STDERR_FILENO)
    }
}
