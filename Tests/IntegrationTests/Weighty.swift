import Testing
import ZooKeeper

/// Lets only a few of the tests with this trait run at a time: each starts servers of its own, and twenty of those on two cores make
/// every timeout a matter of luck. Time limits include the wait for a turn, which may be minutes: they are there to end what hangs.
struct Weighty: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    private static let gate = Gate(permits: 4)

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // Once for each case, not for the suite around it.
        guard testCase != nil else { return try await function() }
        await Self.gate.enter()
        defer { Self.gate.leave() }
        try await function()
    }
}

extension Trait where Self == Weighty {
    static var weighty: Weighty { Weighty() }
}

private final class Gate: Sendable {
    private let state: Locked<(permits: Int, waiting: [Promise<Void>])>

    init(permits: Int) {
        state = Locked((permits, []))
    }

    func enter() async {
        let turn = Promise<Void>()
        let isFree = state.withLock { state in
            guard state.permits > 0 else {
                state.waiting.append(turn)
                return false
            }
            state.permits -= 1
            return true
        }
        if !isFree { await turn.value() }
    }

    func leave() {
        let next = state.withLock { state -> Promise<Void>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.permits += 1
            return nil
        }
        next?.resolve(())
    }
}
