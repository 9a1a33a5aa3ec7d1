import Locking
import ZooKeeper

/// Lets so much in at a time, in the order in which they came: whoever has more weight keeps those behind it waiting, too.
final class Gate: Sendable {
    let permits: Int
    private let state: Locked<(free: Int, waiting: [(weight: Int, turn: Promise<Void>)])>

    init(permits: Int) {
        self.permits = permits
        state = Locked((permits, []))
    }

    func enter(_ weight: Int) async {
        let turn = Promise<Void>()
        let isFree = state.withLock { state in
            guard state.waiting.isEmpty, state.free >= weight else {
                state.waiting.append((weight, turn))
                return false
            }
            state.free -= weight
            return true
        }
        if !isFree { await turn.value() }
    }

    func leave(_ weight: Int) {
        let next = state.withLock { state in
            state.free += weight
            var next: [Promise<Void>] = []
            while let first = state.waiting.first, state.free >= first.weight {
                state.free -= first.weight
                next.append(state.waiting.removeFirst().turn)
            }
            return next
        }
        for turn in next { turn.resolve(()) }
    }
}
