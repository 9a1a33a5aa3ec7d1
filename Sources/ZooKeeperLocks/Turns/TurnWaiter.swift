import Locking
import ZooKeeper

/// A task that waits for its turn in the process.
final class TurnWaiter: Sendable {
    enum Outcome: Sendable {
        case granted(LocalTurn)
        /// Why it waits no more; so many were ahead in this process.
        case left(QueueMachine.Departure, ahead: Int)
        /// The entry into the queue has come to nothing, or is withdrawn.
        case departed(QueueMachine.Departure, Contender)
    }

    private struct State {
        var continuation: UnsafeContinuation<Void, Never>?
        var outcome: Outcome?
        var ticket: UInt64?
        var departure: QueueMachine.Departure?
        var timer: TimerThread.ID?
    }

    let onPosition: (@Sendable (QueuePosition) -> Void)?
    private let maximumHold: Duration?
    private let state = Locked(State())

    init(maximumHold: Duration? = nil, onPosition: (@Sendable (QueuePosition) -> Void)?) {
        self.maximumHold = maximumHold
        self.onPosition = onPosition
    }

    var outcome: Outcome? { state.withLock { $0.outcome } }

    /// Why it does not want to wait any longer.
    var departure: QueueMachine.Departure? { state.withLock { $0.departure } }

    /// Resumes `continuation` when there is an outcome.
    func wait(_ continuation: UnsafeContinuation<Void, Never>) {
        let isOver = state.withLock { state in
            if state.outcome == nil { state.continuation = continuation }
            return state.outcome != nil
        }
        if isOver { continuation.resume() }
    }

    /// - Returns: why it does not want to wait, if that was known before.
    func waits(with ticket: UInt64) -> QueueMachine.Departure? {
        state.withLock { state in
            state.ticket = ticket
            return state.departure
        }
    }

    func waits(until timer: TimerThread.ID) {
        let isOver = state.withLock { state in
            state.timer = timer
            return state.outcome != nil
        }
        if isOver { TimerThread.shared.cancel(timer) }
    }

    /// - Returns: the number to leave with; `nil` when it has none yet, or leaves already.
    func leave(_ departure: QueueMachine.Departure) -> UInt64? {
        state.withLock { state in
            guard state.departure == nil else { return nil }
            state.departure = departure
            return state.ticket
        }
    }

    /// Only the first outcome counts.
    func settle(_ outcome: Outcome) {
        let settled = state.withLock { state -> (UnsafeContinuation<Void, Never>?, TimerThread.ID?)? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { (state.continuation, state.timer) = (nil, nil) }
            return (state.continuation, state.timer)
        }
        guard let (continuation, timer) = settled else { return }
        // From now on, not from when the task gets on: it may be the very one that is stuck.
        if case .granted(let turn) = outcome, let maximumHold { turn.limitHold(to: maximumHold) }
        if let timer { TimerThread.shared.cancel(timer) }
        continuation?.resume()
    }
}
