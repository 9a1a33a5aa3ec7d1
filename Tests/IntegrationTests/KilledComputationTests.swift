import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Many processes that want one result, and one computation. `ONCE_PROCESSES` says how many.
@Suite(.alone, .serialized) struct KilledComputationTests {
    private static let processes = getenv("ONCE_PROCESSES").flatMap { Int(String(cString: $0)) } ?? 20
    private static let timeout = Duration.seconds(2)

    private struct Ending: Sendable {
        var status: TerminationStatus
        var result: String
    }

    /// Who has begun to compute, in that order.
    private static func computers(_ witness: String) -> [pid_t] {
        guard let data = try? Data(contentsOf: URL(filePath: witness)) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { pid_t($0) }
    }

    /// Runs all processes to their end.
    private static func run(
        _ servers: String, _ witness: String, computing milliseconds: Int,
        _ meanwhile: @escaping @Sendable () async throws -> Void
    ) async throws -> [Ending] {
        let program = try BuiltProgram("recipe-worker")
        // When all of them have surely been started, and have connected.
        let start = ThisProcess.bootTime / 1_000_000 + 2000
        let arguments = [
            "once", servers, witness, "\(timeout.milliseconds)", "\(milliseconds)", "\(start)",
        ]
        return try await withThrowingTaskGroup { group in
            for _ in 0..<processes {
                group.addTask {
                    let (status, output, _) = try await program.run(arguments)
                    return Ending(status: status, result: output)
                }
            }
            try await meanwhile()
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func withWitness(_ body: (String) async throws -> Void) async throws {
        let witness = "/tmp/once-\(getpid())-\(ThisProcess.bootTime)"
        defer { unlink(witness) }
        try await body(witness)
    }

    @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer twenty processes take too long to start"))
    func oneComputesAndTheOthersGetTheResult() async throws {
        try await Self.withWitness { witness in
            try await TestServer.with { server in
                let endings = try await Self.run(server.connectString, witness, computing: 2000) {}
                let computers = Self.computers(witness)
                #expect(computers.count == 1)
                #expect(endings.allSatisfy { $0.status == .exited(0) })
                let results = Set(endings.map(\.result))
                #expect(results.count == 1)
                #expect(results.first?.hasSuffix("of \(computers.first ?? 0)\n") == true, "\(results)")
                print("\(Self.processes) processes: \(computers.count) computation, \(results.count) result")
                try await Self.checkNobodyIsLeft(server.connectString)
            }
        }
    }

    @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer twenty processes take too long to start"))
    func theComputingOneIsKilled() async throws {
        try await Self.withWitness { witness in
            try await TestServer.with { server in
                let endings = try await Self.run(server.connectString, witness, computing: 1500) {
                    while Self.computers(witness).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
                    // In the middle of it.
                    try await Task.sleep(for: .milliseconds(500))
                    kill(Self.computers(witness)[0], SIGKILL)
                }
                let computers = Self.computers(witness)
                #expect(computers.count == 2)
                #expect(Set(computers).count == 2)
                #expect(endings.count { $0.status == .signaled(SIGKILL) } == 1)
                let rest = endings.filter { $0.status == .exited(0) }
                #expect(rest.count == Self.processes - 1)
                let results = Set(rest.map(\.result))
                #expect(results.count == 1)
                #expect(results.first?.hasSuffix("of \(computers.last ?? 0)\n") == true, "\(results)")
                print(
                    "\(Self.processes) processes, the computing one killed: \(computers.count - 1) other computed,",
                    "\(rest.count) got its result")
                try await Self.checkNobodyIsLeft(server.connectString)
            }
        }
    }

    private static func checkNobodyIsLeft(_ servers: String) async throws {
        try await ZooKeeperClient.with(.quiet(servers)) { client in
            let path = try NodePath("/cache/prices/lock")
            #expect(try await client.queue(of: path).entries.isEmpty)
            #expect(try await client.runOnce("/cache/prices").current() != nil)
        }
    }
}
