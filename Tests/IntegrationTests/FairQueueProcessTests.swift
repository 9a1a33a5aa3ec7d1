import FoundationEssentials
import Subprocess
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// The demonstration as users run it: a process that starts others.
@Suite(.weighty) struct FairQueueProcessTests {
    private struct Line: Decodable {
        var event: String
        var worker: Int?
        var node: String?
        var token: Int64?
        var ahead: Int?
        var waitMs: Double?
        var acquisitions: Int?
        var fifoViolations: Int?
        var overlaps: Int?
        var tokensRising: Bool?
        var crashes: Int?
        var recoveryMs: Double?
        var recoveryBoundMs: Double?
        var marginMs: Double?
        var timeMs: Double?
        var cancelled: Int?
        var lost: Int?
    }

    private func lines(_ output: String) throws -> [Line] {
        try output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test func twelveWorkersTakeTurnsOnAServerOfTheUsers() async throws {
        let server = try await SharedServer.server.value
        let (status, output, error) = try await BuiltProgram("fair-queue").run([
            "--servers", server.connectString, "--workers", "12", "--rounds", "5", "--hold", "5ms", "--json",
        ])
        #expect(status == .exited(0), "\(error)")
        let lines = try lines(output)
        // Judged again here, from the events alone.
        let acquired = lines.filter { $0.event == "acquired" }
        let tokens = acquired.compactMap(\.token)
        #expect(tokens.count == 60)
        #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(acquired.compactMap(\.worker)).count == 12)
        #expect(lines.count { $0.event == "queued" } == 60)
        #expect(lines.count { $0.event == "released" } == 60)
        #expect(lines.contains { $0.event == "queued" && ($0.ahead ?? 0) > 0 })
        #expect(lines.allSatisfy { $0.event == "summary" || ($0.node?.contains("-lock-") ?? false) })
        let summary = try #require(lines.last)
        #expect(summary.event == "summary")
        #expect(summary.acquisitions == 60)
        #expect(summary.fifoViolations == 0)
        #expect(summary.overlaps == 0)
        #expect(summary.tokensRising == true)
    }

    @Test func theQueueGoesOnAfterTheHolderWasKilled() async throws {
        let (status, output, error) = try await BuiltProgram("fair-queue").run([
            "--crash", "--hold", "20ms", "--session-timeout", "1s", "--json",
        ])
        #expect(status == .exited(0), "\(error)")
        let summary = try #require(try lines(output).last)
        #expect(summary.crashes == 1)
        #expect(summary.fifoViolations == 0)
        #expect(summary.overlaps == 0)
        let (recovery, bound) = (try #require(summary.recoveryMs), try #require(summary.recoveryBoundMs))
        print("the next holder came \(recovery) ms after the kill, bound \(bound) ms")
        #expect(recovery <= bound)
    }

    @Test func aHolderThatIsCutOffStopsBeforeTheLockIsGivenAway() async throws {
        let (status, output, error) = try await BuiltProgram("fair-queue").run(["--partition", "--json"])
        #expect(status == .exited(0), "\(output.suffix(2000)) \(error)")
        let lines = try lines(output)
        let cancelled = try #require(lines.first { $0.event == "cancelled" })
        #expect(lines.count { $0.event == "cancelled" } == 1)
        let margin = try #require(cancelled.marginMs)
        print("the holder had stopped \(margin) ms before the leader deleted its node")
        #expect(margin > 0)
        // The cut comes first; the next one gets the lock after the holder has stopped.
        let stopped = try #require(cancelled.timeMs)
        let cut = try #require(lines.first { $0.event == "followerCutOff" }?.timeMs)
        #expect(cut < stopped)
        let next = try #require(
            lines.first { $0.event == "acquired" && ($0.token ?? 0) > (cancelled.token ?? .max) })
        #expect(try #require(next.timeMs) > stopped)
        #expect(next.worker != cancelled.worker)
        // The worker comes back.
        #expect(lines.contains { $0.event == "partitionHealed" })
        #expect(lines.count { $0.event == "acquired" && $0.worker == cancelled.worker } == 3)
        #expect(lines.count { $0.event == "released" } == 17)
        let summary = try #require(lines.last)
        #expect(summary.acquisitions == 18)
        #expect(summary.fifoViolations == 0)
        #expect(summary.overlaps == 0)
        #expect(summary.tokensRising == true)
        #expect(summary.cancelled == 1)
        #expect(summary.lost == 0)
    }

    @Test(arguments: [Signal.kill, .interrupt, .terminate])
    func nothingIsLeftWhenItIsKilled(signal: Signal) async throws {
        let program = try BuiltProgram("fair-queue")
        // With the directory of temporary files in the environment of everything that is started, and on the command lines.
        let directory =
            FileManager.default.temporaryDirectory.path + "/fair-queue-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let result = try await Subprocess.run(
            .name("env"),
            arguments: Arguments(["TMPDIR=\(directory)", program.path, "--crash", "--workers", "3", "--rounds", "1000"]
            ),
            input: .none, output: .sequence, error: .discarded
        ) { execution in
            var hasBegun = false
            for try await line in execution.standardOutput.strings() where !hasBegun && line.contains("acquired") {
                hasBegun = true
                #expect(!TestServerTraces.processes(mentioning: directory).isEmpty)
                try execution.send(signal: signal)
            }
            return hasBegun
        }
        #expect(result.closureResult)
        // The guardian cleans up after the death of its owner: soon, not at once.
        let deadline = ContinuousClock.now + .seconds(10)
        var left = ["?"]
        while ContinuousClock.now < deadline, !left.isEmpty {
            left = TestServerTraces.processes(mentioning: directory).map { "process \($0)" }
            left += try FileManager.default.contentsOfDirectory(atPath: directory)
            left += TestServerTraces.processes(mentioning: program.path).filter { isOrphan($0) }.map { "worker \($0)" }
            if !left.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(left == [])
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Whether the process has lost its parent.
    private func isOrphan(_ pid: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
        return status.contains("\nPPid:\t1\n")
    }
}
