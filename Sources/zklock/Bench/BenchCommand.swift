import ArgumentParser
import Glibc
import Locking
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure locks on these servers: taking a free one, and handing one over.",
        discussion: """
            Taking: one session takes a lock that nobody else wants, and releases it, again and again. Handing over: sessions queue for \
            one lock; the time is that from the beginning of a release to the next one's grant. Every grant is a write or two for the \
            servers: not for a busy ensemble.

            Examples:
              zklock bench
              zklock bench --duration 10s --sessions 20
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: .init("How long each of the two lasts.", valueName: "duration"), transform: Duration.init(argument:))
    var duration = Duration.seconds(3)

    @Option(help: "How many sessions queue for one lock.")
    var sessions = 4

    @Argument(help: "Beneath which path (default: /zklock-bench).", transform: ConnectionOptions.path)
    var path: NodePath = .root.appending(unchecked: "zklock-bench")

    mutating func validate() throws {
        guard (2...500).contains(sessions) else { throw ValidationError("--sessions \(sessions): 2 to 500") }
        guard duration >= .milliseconds(100), duration <= .seconds(600) else {
            throw ValidationError("--duration \(duration.brief): 100 ms to 10 minutes")
        }
    }

    func run() async throws {
        let configuration = try connection.configuration()
        var clients: [ZooKeeperClient] = []
        do {
            for _ in 0..<sessions { clients.append(try await ZooKeeperClient.connect(configuration)) }
            tell("take and release a free lock", try await taking(clients[0]))
            tell("hand over, \(sessions) sessions", try await handingOver(clients))
        } catch {
            for client in clients { await client.close() }
            throw ZklockError("\(error)")
        }
        // The queues are empty, and the paths as well.
        for name in ["free", "queue"] { try? await clients[0].delete(path.appending(unchecked: name)) }
        if path == .root.appending(unchecked: "zklock-bench") { try? await clients[0].delete(path) }
        for client in clients { await client.close() }
    }

    private struct Times: Sendable {
        var times: [Duration] = []
        var elapsed = Duration.zero
    }

    private func taking(_ client: ZooKeeperClient) async throws -> Times {
        let lock = try DistributedLock(path.appending(unchecked: "free"), client: client)
        // The path is made by the first.
        await (try lock.acquire()).release()
        var times = Times()
        let start = ContinuousClock.now
        while ContinuousClock.now - start < duration {
            let begin = ContinuousClock.now
            await (try lock.acquire()).release()
            times.times.append(.now - begin)
        }
        times.elapsed = .now - start
        return times
    }

    private func handingOver(_ clients: [ZooKeeperClient]) async throws -> Times {
        let path = path.appending(unchecked: "queue")
        let log = HandOverLog()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for client in clients {
                group.addTask { [duration] in
                    let lock = try DistributedLock(path, client: client)
                    while ContinuousClock.now - start < duration {
                        let lease = try await lock.acquire()
                        log.granted(at: .now)
                        log.released(at: .now)
                        await lease.release()
                    }
                }
            }
            try await group.waitForAll()
        }
        return Times(times: log.times, elapsed: .now - start)
    }

    private func tell(_ what: String, _ times: Times) {
        let sorted = times.times.sorted()
        guard !sorted.isEmpty else { return Zklock.complain("\(what): none in this time") }
        func percentile(_ share: Int) -> String { sorted[min(sorted.count - 1, sorted.count * share / 100)].brief }
        let rate = Double(sorted.count) * 1000 / times.elapsed.milliseconds
        Terminal.write(
            "\(what): p50 \(percentile(50)), p99 \(percentile(99)), \(Int(rate)) a second (\(sorted.count) times)\n")
    }
}

/// Written by whoever holds, so by one at a time, in many tasks.
private final class HandOverLog: Sendable {
    private let state = Locked<(released: ContinuousClock.Instant?, times: [Duration])>((nil, []))

    var times: [Duration] { state.withLock { $0.times } }

    func granted(at now: ContinuousClock.Instant) {
        state.withLock { state in
            if let released = state.released { state.times.append(now - released) }
        }
    }

    func released(at now: ContinuousClock.Instant) {
        state.withLock { $0.released = now }
    }
}
