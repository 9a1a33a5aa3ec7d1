import ZooKeeper

extension DistributedLock {
    /// What a body runs with.
    struct Entry: Sendable {
        var lease: Lease
        /// Of a reentrant lock.
        var scope: ReentrantScope?
    }

    /// Joins the lease of a scope around, where there is one, or acquires one.
    func enter(timeout: Duration?, file: String, line: Int) async throws(LockError) -> Entry {
        // What makes no sense is refused there.
        guard options.isReentrant, timeout.map({ $0 >= .zero }) ?? true else {
            return Entry(lease: try await acquire(timeout: timeout, file: file, line: line))
        }
        let begin = ContinuousClock.now
        let deadline = timeout.map { begin + $0.bounded }
        while let outer = ReentrantScope.around[.init(self)]?.nearestOpen {
            if let entry = try await join(outer, until: deadline, file: file, line: line) { return entry }
        }
        // It was zero from the beginning, or some of it is used up; whoever came to wait goes on waiting.
        let rest = timeout.map { $0 > .zero ? max(.milliseconds(1), $0 - (.now - begin)) : $0 }
        let lease = try await acquire(timeout: rest, file: file, line: line)
        return Entry(lease: lease, scope: ReentrantScope(lease, of: self, in: nil))
    }

    /// - Returns: `nil` when the scope has ended meanwhile.
    private func join(
        _ outer: ReentrantScope, until deadline: ContinuousClock.Instant?, file: String, line: Int
    ) async throws(LockError) -> Entry? {
        guard let lease = outer.lease else { return nil }
        // The body around still runs; whatever this one did would be done under a lease that is over.
        func checkNotLost() throws(LockError) {
            if let loss = lease.lossByNow() { throw .lost(path, loss, token: lease.fencingToken) }
        }
        try checkNotLost()
        if Task.isCancelled { throw .cancelled(path) }
        switch await outer.enter(until: deadline) {
        case .ended: return nil
        case .cancelled: throw .cancelled(path)
        case .timedOut(let ahead):
            throw .timedOut(path, ahead: ahead, holder: Holder(node: lease.node, owner: nil))
        case .admitted:
            do throws(LockError) {
                try checkNotLost()
            } catch {
                outer.leave()
                throw error
            }
            let joined = Lease(joining: lease, file: file, line: line)
            return Entry(lease: joined, scope: ReentrantScope(joined, of: self, in: outer))
        }
    }
}
