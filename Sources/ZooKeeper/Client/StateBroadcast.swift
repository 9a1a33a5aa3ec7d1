import Locking

/// The state of a client, for everybody who wants to follow it. Nothing follows `closed`.
final class StateBroadcast: Sendable {
    private struct Core {
        var state = SessionState.connecting
        var subscribers = SlotArray<AsyncStream<SessionState>.Continuation>()
    }

    private let core = Locked(Core())

    var state: SessionState { core.withLock { $0.state } }

    /// Says whether it was news.
    @discardableResult
    func publish(_ state: SessionState) -> Bool {
        let subscribers = core.withLock { core -> [AsyncStream<SessionState>.Continuation]? in
            guard core.state != .closed, core.state != state else { return nil }
            core.state = state
            var subscribers: [AsyncStream<SessionState>.Continuation] = []
            core.subscribers.forEach { subscribers.append($1) }
            return subscribers
        }
        guard let subscribers else { return false }
        for subscriber in subscribers {
            subscriber.yield(state)
            if state == .closed { subscriber.finish() }
        }
        return true
    }

    /// The current state and those that follow.
    func states() -> AsyncStream<SessionState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SessionState.self, bufferingPolicy: .bufferingNewest(256))
        let key = core.withLock { core -> UInt64? in
            continuation.yield(core.state)
            return core.state == .closed ? nil : core.subscribers.insert(continuation)
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            let removed = self?.core.withLock { $0.subscribers.remove(key) }
            _ = removed
        }
        return stream
    }
}
