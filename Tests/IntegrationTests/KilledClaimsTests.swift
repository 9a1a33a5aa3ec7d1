import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Batches that are handed out to processes of which some are killed by `kill -9`, and one is stopped for longer than its session lives.
/// `CLAIM_ITEMS`, `CLAIM_BATCH` and `CLAIM_WORKERS` (from 6 on) make it another run.
@Suite(.alone, .serialized) struct KilledClaimsTests {
    private static let items = number("CLAIM_ITEMS") ?? 2000
    private static let batch = number("CLAIM_BATCH") ?? 50
    private static let workers = max(6, number("CLAIM_WORKERS") ?? 6)
    private static let timeout = Duration.seconds(2)

    private static func number(_ name: String) -> Int? {
        getenv(name).flatMap { Int(String(cString: $0)) }
    }

    private enum Fate: Equatable {
        case lives, isSlow, isKilled, isStopped

        var pace: Int { self == .isSlow ? 20 : 5 }
    }

    /// One line of the store that the workers write to; see `TokenStore` there.
    private struct Line {
        var token: Int64
        var count: Int
        var worker: Int
        var refused: Int
    }

    private static func lines(_ file: String) throws -> [Line] {
        String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self).split(separator: "\n").compactMap {
            let numbers = $0.split(separator: " ").compactMap { Int64($0) }
            guard numbers.count == 4 else { return nil }
            return Line(
                token: numbers[0], count: Int(numbers[1]), worker: Int(numbers[2]), refused: Int(numbers[3]))
        }
    }

    private static func finished(_ file: String, by worker: Int) throws -> Int {
        try lines(file).count { $0.worker == worker }
    }

    private static func allAreFinished(_ file: String) throws -> Bool {
        let lines = try lines(file)
        return lines.count == items && lines.allSatisfy { $0.count > 0 }
    }

    private static func until(_ condition: () throws -> Bool) async throws {
        while !(try condition()) { try await Task.sleep(for: .milliseconds(40)) }
    }

    /// One worker, until all items are finished or its fate is met. Returns what it has said.
    private static func work(
        _ number: Int, _ fate: Fate, _ servers: String, _ file: String
    ) async throws -> (status: TerminationStatus, text: String) {
        let program = try BuiltProgram("recipe-worker")
        // In the middle of a batch.
        let rows = fate == .isKilled || fate == .isStopped ? batch / 2 + number : 0
        let arguments = [
            program.path, "claim", servers, file, "\(number)", "\(workers)", "\(items)", "\(batch)",
            "\(timeout.milliseconds)", "\(fate.pace)", "\(rows)",
        ]
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(arguments), input: .none, output: .string(limit: 1_000_000),
            error: .currentStandardError
        ) { execution in
            guard fate == .isKilled || fate == .isStopped else { return }
            let pid = execution.processIdentifier.value
            try await until { try finished(file, by: number) >= rows || allAreFinished(file) }
            guard try finished(file, by: number) >= rows else {
                Issue.record("worker \(number) had next to nothing to do")
                return
            }
            kill(pid, fate == .isKilled ? SIGKILL : SIGSTOP)
            guard fate == .isStopped else { return }
            // Until others have finished what it had, and everything else.
            try await until { try allAreFinished(file) }
            kill(pid, SIGCONT)
        }
        return (result.terminationStatus, result.standardOutput)
    }

    @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer six processes hand over too slowly"))
    func eachItemIsFinishedOnce() async throws {
        try #require(Self.items >= 2 * Self.batch * Self.workers, "everybody is to have more than one batch")
        let file = "/tmp/claims-\(getpid())-\(ThisProcess.bootTime)"
        defer { unlink(file) }
        try Data().write(to: URL(filePath: file))
        // Empty lines of the right length, which nobody has to make first.
        let empty = "0 0 -1 0".utf8 + [UInt8](repeating: UInt8(ascii: " "), count: 55) + [UInt8(ascii: "\n")]
        try Data((0..<Self.items).flatMap { _ in empty }).write(to: URL(filePath: file))
        let fates: [Fate] = (0..<Self.workers).map { number in
            switch number {
            case 1: .isSlow
            case 2, 3: .isKilled
            case 4: .isStopped
            default: .lives
            }
        }
        try await TestServer.with { server in
            let servers = server.connectString
            var told = ""
            let start = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                for (number, fate) in fates.enumerated() {
                    group.addTask {
                        let (status, text) = try await Self.work(number, fate, servers, file)
                        #expect(status == (fate == .isKilled ? .signaled(SIGKILL) : .exited(0)), "worker \(number)")
                        return text
                    }
                }
                for try await text in group { told += text }
            }
            let lines = try Self.lines(file)
            let rows = (0..<Self.workers).map { number in lines.count { $0.worker == number } }
            for (number, fate) in fates.enumerated() { print("worker \(number) (\(fate)): \(rows[number]) rows") }
            let again = told.split(separator: "\n").count { $0.contains(" attempt ") }
            print(
                "\(Self.items) rows in batches of \(Self.batch), \(ContinuousClock.now - start):",
                "\(again) finished by whom was told of an owner that ended uncleanly,",
                "\(lines.reduce(0) { $0 + $1.refused }) writes with an old token refused")
            #expect(lines.count == Self.items)
            #expect(lines.allSatisfy { $0.count == 1 })
            #expect(rows.reduce(0, +) == Self.items)
            // Two were killed and one was stopped in the middle of a batch: somebody was told of each.
            #expect(again >= 3)
            for victim in 2...4 { #expect(told.contains("after worker-\(victim)\n"), "worker \(victim)") }
            #expect(rows[1] < rows[0] && rows[1] < rows[5])
            try await Self.checkNothingIsLeft(servers)
        }
    }

    /// Only what was finished by then and not released may have a record: one item of which each victim was in the middle, and those of its
    /// batch that others had finished after it had asked what there is to do.
    private static func checkNothingIsLeft(_ servers: String) async throws {
        try await ZooKeeperClient.with(.quiet(servers)) { client in
            let jobs = try client.batchClaim("/jobs/rows")
            let left = try await jobs.entries()
            #expect(left.allSatisfy { !$0.isHeld })
            #expect(left.count <= 3 * batch)
            print("\(left.count) records of items that are finished, to be forgotten")
            for entry in left { #expect(try await jobs.forget(entry.id)) }
            try await expectNobodyLeft(at: NodePath("/jobs/rows/attempts"), client)
            try await expectNobodyLeft(at: NodePath("/jobs/rows/claims"), client)
        }
    }
}
