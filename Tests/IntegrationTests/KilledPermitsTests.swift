import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Permits of processes that are killed by `kill -9` in the middle of it all. `CROWD_SECONDS` makes it go on for longer.
@Suite(.weighty, .serialized) struct KilledPermitsTests {
    private static let permits = 7
    private static let timeout = Duration.seconds(2)
    private static let processes = 20
    private static let contenders = 10

    private static var seconds: Int { getenv("CROWD_SECONDS").flatMap { Int(String(cString: $0)) } ?? 15 }

    /// One process with its contenders, until it ends or is killed; the kill is written down ahead of it.
    private static func work(
        _ servers: String, _ file: String, until end: Int64, killedAfter delay: Duration? = nil
    ) async throws -> TerminationStatus {
        let program = try BuiltProgram("permit-worker")
        let timeout = timeout.milliseconds
        let result = try await Subprocess.run(
            .name("env"),
            arguments: [program.path, servers, file, "\(permits)", "\(contenders)", "\(timeout)", "\(end)"],
            input: .none, output: .discarded, error: .currentStandardError
        ) { execution in
            guard let delay else { return }
            try await Task.sleep(for: delay)
            let pid = execution.processIdentifier.value
            let line = "\(now()) \(pid) 0 kill\n"
            let descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC)
            _ = line.withCString { write(descriptor, $0, strlen($0)) }
            close(descriptor)
            kill(pid, SIGKILL)
        }
        return result.terminationStatus
    }

    private static func now() -> Int64 { ThisProcess.bootTime / 1_000_000 }

    @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer twenty processes hand over too slowly"))
    func neverMoreAndNeverFewer() async throws {
        let file = "/tmp/permits-\(getpid())-\(Self.now())"
        defer { unlink(file) }
        try await TestServer.with { server in
            let servers = server.connectString
            let start = Self.now()
            let end = start + Int64(Self.seconds) * 1000
            let kills = Recorder<Int>()
            try await withThrowingTaskGroup { group in
                for number in 0..<Self.processes {
                    group.addTask {
                        // Every fifth one is killed again and again, the others live.
                        while number % 5 == 0, Self.now() < end - 5000 {
                            let delay = Duration.milliseconds(Int.random(in: 6000...18_000))
                            let killed = try await Self.work(servers, file, until: end + 60_000, killedAfter: delay)
                            #expect(killed == .signaled(SIGKILL))
                            kills.append(number)
                        }
                        #expect(try await Self.work(servers, file, until: end) == .exited(0))
                    }
                }
                try await group.waitForAll()
            }
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            let verdict = try PermitHistory(text).judged(
                permits: Self.permits, from: start + 4000, to: end,
                // T, a tick, and what the hand-over takes on a busy machine.
                patience: Int64(Self.timeout / .milliseconds(1)) + 500 + 500)
            print(
                "\(Self.processes * Self.contenders) contenders in \(Self.processes) processes, \(kills.all.count) times one killed:",
                "\(verdict.grants) grants, at most \(verdict.most) of \(Self.permits) permits at a time;",
                "longer than T after a kill, for \(verdict.judged) ms: \(verdict.longestGap) ms at most with one unused, \(verdict.gaps) ms in all"
            )
            #expect(verdict.most <= Self.permits)
            #expect(verdict.most == Self.permits)
            #expect(verdict.judged > 1000)
            // A machine that hands over this slowly, for want of processors, has a permit on its way to somebody all the time.
            let isQuickEnough = verdict.grants >= 12 * Self.seconds
            if !isQuickEnough { print("too few grants to tell an unused permit from one that is being handed over") }
            #expect(!isQuickEnough || verdict.longestGap < 1500)
            try await ZooKeeperClient.with(.quiet(servers)) { client in
                // One that was killed at the very end leaves when its session does: within T, a tick, and what a busy machine takes.
                let killed = ContinuousClock.now
                for try await queue in client.queueChanges(of: try NodePath("/permits")) where queue.entries.isEmpty {
                    break
                }
                #expect(ContinuousClock.now - killed < Self.timeout + .milliseconds(1500))
            }
        }
    }
}

/// What happened, by the witness of all processes.
struct PermitHistory {
    struct Verdict {
        var grants = 0
        var most = 0
        /// The milliseconds in which no process had been killed so recently that the servers need not know.
        var judged: Int64 = 0
        /// Of these: in which somebody waited, and a permit was nobody's; at a stretch, and in all.
        var longestGap: Int64 = 0
        var gaps: Int64 = 0
    }

    private struct Holder: Hashable {
        var process: Int32
        var contender: Int
    }

    private enum Event {
        case begin(Holder), end(Holder), kill(Int32)
    }

    private var events: [(time: Int64, event: Event)] = []

    init(_ text: String) throws {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 4, let time = Int64(parts[0]), let process = Int32(parts[1]),
                let contender = Int(parts[2])
            else { continue }
            let holder = Holder(process: process, contender: contender)
            switch parts[3] {
            case "begin": events.append((time, .begin(holder)))
            case "end": events.append((time, .end(holder)))
            case "kill": events.append((time, .kill(process)))
            default: break
            }
        }
    }

    /// - Parameter patience: how long after a kill the process may still have permits, by the znodes that it has left in the
    ///   queue.
    func judged(permits: Int, from start: Int64, to end: Int64, patience: Int64) -> Verdict {
        var verdict = Verdict()
        var holders: Set<Holder> = []
        var excusedUntil = start
        var last = start
        var gap: Int64 = 0
        for (time, event) in events.sorted(by: { $0.time < $1.time }) where time < end {
            // What was the case from the last event to this one.
            let length = time - max(last, excusedUntil)
            if length > 0 {
                verdict.judged += length
                gap = holders.count < permits ? gap + length : 0
                if holders.count < permits { verdict.gaps += length }
                verdict.longestGap = max(verdict.longestGap, gap)
            }
            last = time
            switch event {
            case .begin(let holder):
                verdict.grants += 1
                holders.insert(holder)
            case .end(let holder): holders.remove(holder)
            case .kill(let process):
                holders = holders.filter { $0.process != process }
                excusedUntil = max(excusedUntil, time + patience)
                gap = 0
            }
            if holders.count >= permits { gap = 0 }
            verdict.most = max(verdict.most, holders.count)
        }
        return verdict
    }
}
