import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// The queue machine in random schedules against a small model of a server: at most one holder, nobody ahead at a grant, no node left,
/// nobody stuck. A seed that fails is printed with the end of its story.
@Suite struct QueueSimulationTests {
    private func expectNone(_ faults: QueueSimulation.Faults, sourceLocation: SourceLocation = #_sourceLocation) {
        let (failures, grants) = QueueSimulation.run(seeds: 1..<801, faults: faults)
        let shortest = failures.min { $0.trace.count < $1.trace.count }
        #expect(
            failures.isEmpty,
            """
            \(failures.count) failed; shortest: seed \(shortest?.seed ?? 0): \(shortest?.problems ?? [])
            \((shortest?.trace.suffix(60) ?? []).joined(separator: "\n"))
            """,
            sourceLocation: sourceLocation)
        #expect(grants > 500, sourceLocation: sourceLocation)
    }

    @Test func lostConnectionsAnswersAndSessions() { expectNone(.init()) }
    @Test func answersOfTheOldSessionComeLate() { expectNone(.init(staleAnswersAfterExpiry: true)) }
    @Test func nodesDeletedByOthers() { expectNone(.init(externalDeletes: true)) }
}
