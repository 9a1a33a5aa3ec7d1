import Locking
import ZooKeeper

extension BatchClaim {
    /// Claims up to `count` of `items`, and runs `body` with what was obtained, be it nothing.
    ///
    /// The body runs on the caller's actor and has a task of its own, which is cancelled when the batch is lost, and not run where that comes
    /// first. What it has not released is released when it has ended: cleanly what it still held when it returned, and otherwise so that the
    /// next owners are told.
    ///
    /// - Throws: what ``claim(_:upTo:timeout:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)`` of an item that was lost
    ///   when the batch was, and the body ended without an error of its own (a `CancellationError` is none).
    public func withBatch<R>(
        of items: [String],
        upTo count: Int,
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (ClaimedBatch) async throws -> sending R
    ) async throws -> sending R {
        let batch = try await claim(items, upTo: count, timeout: timeout, file: file, line: line)
        // The task is awaited on every path, so the body does not outlive this call.
        return try await withoutActuallyEscaping(body) { body in
            var result: R?
            var hasBegun = false
            var end: (lost: LockError?, held: Set<Int>) = (nil, [])
            let task = Task {
                // Captured, so that the task runs on the caller's actor.
                _ = isolation
                // Whoever's actor was busy may have lost the batch before the body began, or lose it after it has ended.
                end = batch.standing
                guard end.lost == nil else { return }
                hasBegun = true
                defer { end = batch.standing }
                result = try await body(batch)
            }
            // Handlers of a cancellation are the user's code: they must not hold up a thread of the client.
            batch.onLoss { DetachedThread.start("zk-stop") { task.cancel() } }
            let ended = await withTaskCancellationHandler {
                await task.result
            } onCancel: {
                task.cancel()
            }
            let (isFinished, held) = (result != nil, end.held)
            if hasBegun {
                await batch.release { isFinished && held.contains($0) }
            } else {
                await batch.giveBack()
            }
            if let lost = end.lost, !ended.hasOwnError { throw lost }
            try ended.get()
            guard let result else { throw LockError.cancelled(path) }
            return result
        }
    }
}

extension ClaimedBatch {
    /// The first item that was lost with the batch, as an error; and what is held by now.
    fileprivate var standing: (lost: LockError?, held: Set<Int>) {
        let loss = lossByNow()
        return core.withLock { core in
            let held = core.places.indices.filter { core.places[$0] == .held }
            guard let loss, let first = core.places.indices.first(where: { core.places[$0] != .released }) else {
                return (nil, Set(held))
            }
            return (.lost(claimed[first].paths.claim, loss, token: items[first].fencingToken), Set(held))
        }
    }
}
