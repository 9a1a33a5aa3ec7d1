import Locking
import Logging
import ZooKeeper

/// What one lease has to itself of a contender that the tasks of a process share: its turn.
final class LocalTurn: Sendable {
    private struct State {
        var loss: LossReason?
        var isReleased = false
        var lossHandlers: [Int: @Sendable (LossReason) -> Void] = [:]
        var nextLossHandler = 0
        /// What tells of it, by the contender's numbers.
        var streams: [(key: Int, continuation: AsyncStream<LeaseEvent>.Continuation)] = []
        var timers: [TimerThread.ID] = []
    }

    typealias Turn = TurnMachine<TurnWaiter>.Turn

    let turn: Turn
    let contender: Contender
    private let turns: ProcessTurns
    private let state = Locked(State())

    init(_ turn: Turn, of contender: Contender, _ turns: ProcessTurns) {
        self.turn = turn
        self.contender = contender
        self.turns = turns
    }

    var isReleased: Bool { state.withLock { $0.isReleased } }

    /// Whether the turn is over by now, whether or not anybody has been told.
    func lossByNow() -> LossReason? {
        let (loss, isReleased) = state.withLock { ($0.loss, $0.isReleased) }
        if loss != nil || isReleased { return loss }
        return contender.lossByNow()
    }

    func onLoss(_ handler: @escaping @Sendable (LossReason) -> Void) -> Int {
        let (loss, key) = state.withLock { state in
            state.nextLossHandler += 1
            if state.loss == nil { state.lossHandlers[state.nextLossHandler] = handler }
            return (state.loss, state.nextLossHandler)
        }
        if let loss { handler(loss) }
        return key
    }

    func forgetLossHandler(_ key: Int) {
        let handler = state.withLock { $0.lossHandlers.removeValue(forKey: key) }
        _ = handler
    }

    /// The lease is over; its end is still to come.
    func lose(_ reason: LossReason) {
        let (handlers, streams) = state.withLock { state in
            guard state.loss == nil, !state.isReleased else {
                return (
                    [Int: @Sendable (LossReason) -> Void](),
                    [(key: Int, continuation: AsyncStream<LeaseEvent>.Continuation)]()
                )
            }
            state.loss = reason
            defer { (state.lossHandlers, state.streams) = ([:], []) }
            return (state.lossHandlers, state.streams)
        }
        // Ahead of the cancellation of the body, which may be about to hear of it.
        for stream in streams { stream.continuation.yield(.lost(reason)) }
        finish(streams)
        for handler in handlers.values { handler(reason) }
    }

    /// Ends the turn, once; whoever is next in this process begins.
    ///
    /// - Returns: a contender that has left by that, and that a release may wait for.
    @discardableResult
    func end() -> Contender? {
        let ended = state.withLock { state -> State? in
            guard !state.isReleased else { return nil }
            state.isReleased = true
            guard !state.streams.isEmpty || !state.timers.isEmpty else { return State() }
            defer { (state.streams, state.timers) = ([], []) }
            return state
        }
        guard let ended else { return nil }
        for timer in ended.timers { TimerThread.shared.cancel(timer) }
        finish(ended.streams)
        return turns.ended(self)
    }

    // MARK: Events

    func events() -> AsyncStream<LeaseEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: LeaseEvent.self)
        // What happens to the znode happens to whoever has it now.
        let key = contender.tell(continuation)
        let (isOver, loss) = state.withLock { state -> (Bool, LossReason?) in
            let isOver = state.isReleased || state.loss != nil
            if !isOver { state.streams.append((key, continuation)) }
            return (isOver, state.loss)
        }
        if isOver {
            if let loss { continuation.yield(.lost(loss)) }
            finish([(key, continuation)])
        } else {
            continuation.onTermination = { [weak self] _ in self?.forget(key) }
        }
        return stream
    }

    private func forget(_ key: Int) {
        contender.stopTelling(key)
        state.withLock { $0.streams.removeAll { $0.key == key } }
    }

    private func finish(_ streams: [(key: Int, continuation: AsyncStream<LeaseEvent>.Continuation)]) {
        for (key, continuation) in streams {
            contender.stopTelling(key)
            continuation.onTermination = nil
            continuation.finish()
        }
    }

    // MARK: The longest hold

    /// Tells, ends the lease, ends the turn. The znode stays: whoever is next in this process has a larger token.
    func limitHold(to limit: Duration) {
        let limit = limit.bounded
        let end = ContinuousClock.now + limit
        let timers = [
            TimerThread.shared.schedule(at: end - limit / 10) { [weak self] in self?.tell(.holdEnds(end)) },
            TimerThread.shared.schedule(at: end) { [weak self] in self?.lose(.heldTooLong) },
            TimerThread.shared.schedule(at: end + limit / 10) { [weak self] in
                guard let self, !isReleased else { return }
                self.end()
                contender.complain(
                    "a turn with a lock was held for too long by a holder that did not stop: the next one begins",
                    ["path": "\(contender.path)", "limit": "\(limit)"])
            },
        ]
        let isOver = state.withLock { state in
            if !state.isReleased { state.timers = timers }
            return state.isReleased
        }
        if isOver { for timer in timers { TimerThread.shared.cancel(timer) } }
    }

    private func tell(_ event: LeaseEvent) {
        for stream in state.withLock({ $0.streams }) { stream.continuation.yield(event) }
    }
}
