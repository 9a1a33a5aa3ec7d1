import ZooKeeper

extension Lease {
    /// The one place that runs bodies.
    ///
    /// - Parameter scope: that of a reentrant lock, which others may join.
    func run<R>(
        _ body: (Lease) async throws -> sending R,
        in scope: ReentrantScope? = nil,
        isolation: isolated (any Actor)?
    ) async throws -> sending R {
        // The task is awaited on every path, so the body does not outlive this call.
        try await withoutActuallyEscaping(body) { body in
            var result: R?
            var loss: LossReason?
            let task = ReentrantScope.start(in: scope) {
                Task {
                    // Captured, so that the task runs on the caller's actor.
                    _ = isolation
                    // Whoever's actor was busy may have lost the lock before the body began, or lose it after it has ended.
                    loss = lossByNow()
                    guard loss == nil else { return }
                    defer { loss = lossByNow() }
                    guard isToldOf else { return result = try await body(self) }
                    try await HeldLeases.$current.withValue(HeldLeases.stillHeld + [self]) {
                        result = try await body(self)
                    }
                }
            }
            // Handlers of a cancellation are the user's code: they must not hold up a thread of the client.
            let handler = onLoss { [weak contender, turn, origin] _ in
                DetachedThread.start("zk-stop") { task.cancel() }
                contender?.watchOverrun(of: turn, origin: origin)
            }
            let ended = await withTaskCancellationHandler {
                await task.result
            } onCancel: {
                task.cancel()
            }
            // Also for what has joined and is not awaited by the body: what it does is done under this lease.
            if let scope {
                await scope.end()
                loss = loss ?? lossByNow()
            }
            forgetLossHandler(handler)
            await release()
            scope?.outer?.leave()
            if let loss, !ended.hasOwnError { throw LockError.lost(path, loss, token: fencingToken) }
            try ended.get()
            guard let result else { throw LockError.cancelled(path) }
            return result
        }
    }
}

extension Lease {
    private func onLoss(_ handler: @escaping @Sendable (LossReason) -> Void) -> Int {
        turn?.onLoss(handler) ?? contender.onLoss(handler)
    }

    private func forgetLossHandler(_ key: Int) {
        if let turn { turn.forgetLossHandler(key) } else { contender.forgetLossHandler(key) }
    }

    /// Whether the body is to know that it holds this: where asking for the lock once more may be a wait for oneself.
    private var isToldOf: Bool {
        switch contender.policy.claim {
        case .read, .write: true
        case .exclusive, .permits: false
        }
    }
}

extension Result where Success == Void, Failure == any Error {
    /// An error that says more than that the body was told to stop.
    var hasOwnError: Bool {
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
