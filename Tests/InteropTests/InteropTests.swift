import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// Programs that use other libraries and ours, on one path, at the same time. What comes of it is the table of `Tests/Interop/README.md`;
/// `INTEROP_TABLE=write` writes it anew, `INTEROP_CONTENDERS` and
/// `INTEROP_CYCLES` say how many of each program, and how often.
@Suite(
    .enabled("see what was printed") { try await Programs.areInstalled() },
    InteropServer(), .alone, .serialized)
struct InteropTests {
    private static let contenders = number("INTEROP_CONTENDERS") ?? 4
    private static let cycles = number("INTEROP_CYCLES") ?? 30

    private static func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }

    /// Each contender reads, increments and writes a counter that nothing protects but the lock.
    @Test(arguments: Pairing.all.filter { $0.expectation == .works })
    func countsEveryUpdate(_ pairing: Pairing) async throws {
        let result = try await PairingRun(pairing).contend(contenders: Self.contenders, cycles: Self.cycles)
        let history = result.history
        for (number, worker) in pairing.workers.enumerated() {
            #expect(history.count(of: number) == worker.grants(contenders: Self.contenders, cycles: Self.cycles))
        }
        #expect(result.counter == history.updates, "lost updates")
        #expect(history.overlaps == 0)
        #expect(history.outOfOrder == 0)
        #expect(history.disturbedReaders == 0)
        #expect(result.leftBehind == [])
        // They did meet: a queue that is served in order goes from program to program.
        #expect(history.changes >= history.grants.count / (2 * Self.contenders) - 1)
        // In a few cycles they may miss each other.
        if pairing.readers > 1, Self.cycles >= 10 { #expect(history.meetings > 0) }
        InteropTable.add(pairing, result)
    }

    /// What is said not to work does not: who asks while the other one holds does not wait.
    @Test(arguments: Pairing.all.filter { $0.expectation != .works })
    func doesNotWork(_ pairing: Pairing) async throws {
        let result = try await PairingRun(pairing).probe()
        switch (pairing.expectation, result.answer) {
        case (.overlaps, .granted): #expect(result.history.overlaps == 1)
        case (.fails, .failed): break
        default:
            Issue.record("\(pairing.title): \(pairing.expectation), and it was \(String(describing: result.answer))")
        }
        InteropTable.add(pairing, result)
    }

    /// What the tests rest on: without a lock, updates are lost, and that is seen.
    @Test func lostUpdatesAreSeen() async throws {
        let result = try await PairingRun(.unlocked).contend(contenders: Self.contenders, cycles: Self.cycles)
        #expect(result.history.updates == 2 * Self.contenders * Self.cycles)
        #expect(result.counter < result.history.updates)
        #expect(result.history.overlaps > 0)
        print("without a lock: \(result.history.updates - result.counter) of \(result.history.updates) updates lost")
    }
}

@Suite struct InteropTableTests {
    /// Otherwise write it anew: `INTEROP_TABLE=write swift test --filter InteropTests`.
    @Test(.disabled(if: InteropTable.isWritten, "it is written anew just now"))
    func documentHasThePairingsOfTheTests() throws {
        #expect(try InteropTable.documented() == InteropTable.known)
    }
}
