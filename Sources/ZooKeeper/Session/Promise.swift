import Locking

/// A value that comes later, once, to everybody who waits for it.
package final class Promise<Value: Sendable>: Sendable {
    private typealias Waiter = UnsafeContinuation<Value?, Never>

    private enum State {
        /// Waiters by ticket; `nil` while a waiter has its ticket but not yet its continuation. A ticket that is not here
        /// any more was withdrawn, so a cancellation that comes before the continuation is not lost.
        case pending([UInt64: Waiter?], next: UInt64)
        case resolved(Value)
    }

    private let state = Locked<State>(.pending([:], next: 0))

    package init() {}

    /// Only the first value counts. Says whether this was it.
    @discardableResult
    package func resolve(_ value: Value) -> Bool {
        let waiters = state.withLock { state -> [UInt64: Waiter?]? in
            guard case .pending(let waiters, _) = state else { return nil }
            state = .resolved(value)
            return waiters
        }
        guard let waiters else { return false }
        for waiter in waiters.values { waiter?.resume(returning: value) }
        return true
    }

    package var current: Value? {
        state.withLock { if case .resolved(let value) = $0 { value } else { nil } }
    }

    /// Waits for the value, whether or not the calling task is cancelled.
    package func value() async -> Value {
        while true {
            guard let ticket = reserve() else {
                if let current { return current }
                continue
            }
            if let value = await withUnsafeContinuation({ enter($0, ticket) }) { return value }
        }
    }

    /// Waits for the value; `nil` when the calling task is cancelled first.
    package func valueUnlessCancelled() async -> Value? {
        guard let ticket = reserve() else { return current }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { enter($0, ticket) }
        } onCancel: {
            withdraw(ticket)
        }
    }

    /// A ticket to wait with; `nil` when the value is there.
    private func reserve() -> UInt64? {
        state.withLock { state in
            guard case .pending(var waiters, let next) = state else { return nil }
            waiters[next] = .some(nil)
            state = .pending(waiters, next: next + 1)
            return next
        }
    }

    private func enter(_ waiter: Waiter, _ ticket: UInt64) {
        let answer = state.withLock { state -> Value?? in
            switch state {
            case .resolved(let value):
                return .some(value)
            case .pending(var waiters, let next):
                guard waiters[ticket] != nil else { return .some(nil) }
                waiters[ticket] = .some(waiter)
                state = .pending(waiters, next: next)
                return nil
            }
        }
        if let answer { waiter.resume(returning: answer) }
    }

    private func withdraw(_ ticket: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard case .pending(var waiters, let next) = state else { return nil }
            let waiter = waiters.removeValue(forKey: ticket) ?? nil
            state = .pending(waiters, next: next)
            return waiter
        }
        waiter?.resume(returning: nil)
    }
}
