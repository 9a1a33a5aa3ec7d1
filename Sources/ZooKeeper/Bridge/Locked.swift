import Synchronization

/// State behind a lock: the one form of mutual exclusion in this package.
///
/// Bodies are short: no I/O, no call into C, no callback, no resumption of a task while the lock is held.
package struct Locked<State: ~Copyable>: ~Copyable, Sendable {
    private let mutex: Mutex<State>

    package init(_ state: consuming sending State) {
        mutex = Mutex(state)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock(body)
    }
}
