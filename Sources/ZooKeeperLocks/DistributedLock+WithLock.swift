import ZooKeeper

extension DistributedLock {
    /// Runs `body` while holding the lock.
    ///
    /// The body runs on the caller's actor and may use its state, captured variables and values that are not `Sendable`. It has a task
    /// of its own: when the lock is lost the body is cancelled, and only the body; one that has not begun by then, since the caller's actor
    /// was busy, is not run. The lock is released when the body has ended, never before.
    ///
    /// - Parameter timeout: how long to wait for the lock; `nil` for no limit. It does not limit the body.
    /// - Throws: what ``acquire(timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)`` when the lock
    ///   was lost before the body had ended, and that without an error of its own (a `CancellationError` is none). When the calling task
    ///   is cancelled the body is cancelled, and what it then throws or returns counts.
    public func withLock<R>(
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        let entry = try await enter(timeout: timeout, file: file, line: line)
        return try await entry.lease.run(body, in: entry.scope, isolation: isolation)
    }

    /// Runs `body` while holding the lock if the lock is free now; otherwise returns `nil` without running it.
    ///
    /// - Throws: as ``withLock(timeout:isolation:file:line:_:)`` does, but never `timedOut`.
    public func withLockIfAvailable<R>(
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R? {
        let entry: Entry
        do throws(LockError) {
            entry = try await enter(timeout: .zero, file: file, line: line)
        } catch {
            if case .timedOut = error { return nil }
            throw error
        }
        return try await entry.lease.run(body, in: entry.scope, isolation: isolation)
    }
}
