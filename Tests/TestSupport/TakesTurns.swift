import Glibc
import Testing

/// Lets only so many of the tests with this trait run at a time, and cancels what hangs. `.timeLimit` would do as a limit only where nobody waits
/// for a turn: it counts the wait, too, which on a slow machine is longer than any test.
package struct TakesTurns: TestTrait, SuiteTrait, TestScoping {
    fileprivate let gate: Gate
    fileprivate var weight = 1
    private static let limit = Duration.seconds(15 * 60)

    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // Once for each case, not for the suite around it.
        guard testCase != nil else { return try await function() }
        await gate.enter(weight)
        defer { gate.leave(weight) }
        try await withoutActuallyEscaping(function) { function in
            // Told at once: what ignores the cancellation never ends, and nobody behind it would know why.
            try await within(Self.limit, atLimit: { Issue.record("not over \(Self.limit) after its turn came") }) {
                try await function()
            }
        }
    }
}

extension Trait where Self == TakesTurns {
    /// For tests that start servers of their own: twenty of those on two cores make every timeout a matter of luck.
    package static var weighty: TakesTurns { .init(gate: .weighty) }

    /// For tests that load the machine so much that everybody else would be late, or whose subject is to be in time: no other one that
    /// starts servers runs meanwhile.
    package static var alone: TakesTurns { .init(gate: .weighty, weight: Gate.weighty.permits) }

    /// For tests that run in a process of their own, with `#expect(processExitsWith:)`. That keeps a thread of the cooperative pool until the
    /// process has ended, and on a machine with two cores the pool has two: with two such tests at a time every other test stands still.
    package static var runsInOwnProcess: TakesTurns { .init(gate: .ownProcess) }
}

extension Gate {
    fileprivate static let weighty = Gate(permits: 4)
    fileprivate static let ownProcess = Gate(permits: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2))
}
