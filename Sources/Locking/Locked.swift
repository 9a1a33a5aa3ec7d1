#if THREAD_SANITIZER
    import Glibc
#else
    public import Synchronization
#endif

/// State behind a lock: the one form of mutual exclusion in this package.
///
/// Bodies are short: no I/O, no callback, no resumption of a task while the lock is held.
///
/// Built with `-D THREAD_SANITIZER` the lock is one of pthread: the sanitizer does not see that `Synchronization.Mutex`, which waits
/// by futex on Linux, orders the threads, and reports races where there are none.
///
/// Inlinable: what other modules do under a lock is on the path of each acquire, and unspecialised it takes several times as long.
public struct Locked<State: ~Copyable>: ~Copyable, Sendable {
    #if THREAD_SANITIZER
        private let storage: PthreadStorage<State>

        public init(_ state: consuming sending State) {
            storage = PthreadStorage(state)
        }

        public borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(storage.mutex)
            defer { pthread_mutex_unlock(storage.mutex) }
            return try body(&storage.state.pointee)
        }
    #else
        @usableFromInline let mutex: Mutex<State>

        @inlinable public init(_ state: consuming sending State) {
            mutex = Mutex(state)
        }

        @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            try mutex.withLock(body)
        }
    #endif
}

#if THREAD_SANITIZER
    /// `@unchecked Sendable`: the state is touched under the mutex only.
    private final class PthreadStorage<State: ~Copyable>: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let state = UnsafeMutablePointer<State>.allocate(capacity: 1)

        init(_ state: consuming State) {
            pthread_mutex_init(mutex, nil)
            self.state.initialize(to: state)
        }

        deinit {
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
            state.deinitialize(count: 1)
            state.deallocate()
        }
    }
#endif
