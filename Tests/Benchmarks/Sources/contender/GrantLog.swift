import Synchronization
import ZooKeeperLocks

/// Who was granted the lock, in what order, and how long after the release before.
final class GrantLog: Sendable {
    private struct State {
        var isHeld = false
        var releasedAt: ContinuousClock.Instant?
        var begun = 0
        var answer = Answer(grants: 0, overlaps: 0, outOfOrder: 0, longestWaitNs: 0)
        var times: [Int64] = []
        var byContender: [Int]
        var lastToken: FencingToken?
    }

    private let state: Mutex<State>

    init(contenders: Int) {
        state = Mutex(State(byContender: Array(repeating: 0, count: contenders)))
    }

    /// Counts out `limit` acquires among all who ask.
    func mayBegin(limit: Int) -> Bool {
        state.withLock { state in
            state.begun += 1
            return state.begun <= limit
        }
    }

    /// - Parameter turn: the place in the queue, where that is known.
    func granted(_ token: FencingToken, to contender: Int, turn: Int? = nil, enteredAt: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        state.withLock { state in
            if state.isHeld { state.answer.overlaps? += 1 }
            let isInTurn = turn.map { $0 == state.answer.grants } ?? true
            // The token is the zxid of the entry: whoever asked first has the smaller one.
            if !isInTurn || state.lastToken.map({ $0 >= token }) ?? false { state.answer.outOfOrder? += 1 }
            state.isHeld = true
            state.lastToken = token
            state.answer.grants? += 1
            state.byContender[contender] += 1
            let wait = (now - enteredAt).nanoseconds
            state.answer.longestWaitNs = max(state.answer.longestWaitNs ?? 0, wait)
            if let released = state.releasedAt { state.times.append((now - released).nanoseconds) }
        }
    }

    func releases() {
        state.withLock { state in
            state.isHeld = false
            state.releasedAt = .now
        }
    }

    func answer(elapsed: Duration) -> Answer {
        state.withLock { state in
            var answer = state.answer
            answer.elapsedNs = elapsed.nanoseconds
            answer.timesNs = state.times
            answer.fewest = state.byContender.min()
            answer.most = state.byContender.max()
            return answer
        }
    }
}
