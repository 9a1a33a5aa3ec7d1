import Locking
import ZooKeeper

/// Lets so many in at a time, in the order in which they came.
final class Gate: Sendable {
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
