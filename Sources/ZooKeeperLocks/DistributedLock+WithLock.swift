import ZooKeeper

extension DistributedLock {
    /// Runs `body` while holding the lock.
    ///
    /// The body runs on the caller's actor and may use its state, captured variables and values that are not `Sendable`. It has a task
    /// of its own: when the lock is lost the body is cancelled, and only the body. The lock is released when the body has ended,
    /// never before.
    ///
    /// - Parameter timeout: how long to wait for the lock; `nil` for no limit. It does not limit the body.
    /// - Throws: what ``acquire(timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)`` when the lock
    ///   was lost meanwhile and the body ended without an error of its own (a `CancellationError` is none). When the calling task is
    ///   cancelled the body is cancelled, and what it then throws or returns counts.
    public func withLock<R>(
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        let entry = try await enter(timeout: timeout, file: file, line: line)
        return try await run(body, with: entry, isolation: isolation)
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
        return try await run(body, with: entry, isolation: isolation)
    }

    /// The one place that runs bodies.
    private func run<R>(
        _ body: (Lease) async throws -> sending R,
        with entry: Entry,
        isolation: isolated (any Actor)?
    ) async throws -> sending R {
        // The task is awaited on every path, so the body does not outlive this call.
        try await withoutActuallyEscaping(body) { body in
            let (lease, scope) = (entry.lease, entry.scope)
            var result: R?
            let task = ReentrantScope.start(in: scope, .init(self)) {
                Task {
                    // Captured, so that the task runs on the caller's actor.
                    _ = isolation
                    result = try await body(lease)
                }
            }
            // Handlers of a cancellation are the user's code: they must not hold up a thread of the client.
            let handler = lease.contender.onLoss { [weak contender = lease.contender] _ in
                DetachedThread.start("zk-stop") { task.cancel() }
                contender?.watchOverrun(origin: lease.origin)
            }
            let ended = await withTaskCancellationHandler {
                await task.result
            } onCancel: {
                task.cancel()
            }
            // Also for what has joined and is not awaited by the body: what it does is done under this lease.
            await scope?.end()
            lease.contender.forgetLossHandler(handler)
            let loss = lease.contender.lossByNow()
            await lease.release()
            scope?.outer?.leave()
            if let loss, !ended.hasOwnError { throw LockError.lost(path, loss, token: lease.fencingToken) }
            try ended.get()
            guard let result else { throw LockError.cancelled(path) }
            return result
        }
    }
}

extension Result where Success == Void, Failure == any Error {
    /// An error that says more than that the body was told to stop.
    fileprivate var hasOwnError: Bool {
        if case .failure(let error) = self { !error.saysNoMoreThanCancelled } else { false }
    }
}

extension Error {
    /// That the task was told to stop: by Swift's own error, or as requests of this library end then.
    var saysNoMoreThanCancelled: Bool {
        switch self as any Error {
        case is CancellationError, ZooKeeperError.Code.cancelled, LockError.cancelled: true
        default: false
        }
    }
}
