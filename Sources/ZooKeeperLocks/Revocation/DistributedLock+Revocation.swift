import ZooKeeper

extension DistributedLock {
    /// Asks whoever holds the lock to give it up: its lease tells it (``LeaseEvent/revocationRequested(_:)``), and what it does then is its own
    /// decision. Returns when the request is written into its znode. See ``ZooKeeper/ZooKeeperClient/revoke(_:reason:)``.
    ///
    /// ```swift
    /// if let holder = try await lock.revoke(reason: "deploying") {
    ///     try await lock.break(token: holder.fencingToken, after: .seconds(30))
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - token: whom to ask, also one who waits; `nil` for whoever is at the head of the queue now. A process whose tasks take turns is asked as
    ///     one: whoever has the turn is told, and the process queues again after it.
    ///   - reason: for people; at most ``RevocationRequest/maximumReasonLength`` bytes.
    /// - Returns: who was asked; `nil` when the lock is free, or has just been given up.
    /// - Throws: ``LockError/noContender(_:token:holder:)`` when nobody in the queue has that token;
    ///   ``LockError/notRevocable(_:_:)``; ``LockError/session(_:)`` when ZooKeeper refuses; ``LockError/cancelled(_:)``.
    @discardableResult
    public func revoke(token: FencingToken? = nil, reason: String? = nil) async throws(LockError) -> QueueEntry? {
        let entry: QueueEntry?
        if let token { entry = try await contender(with: token) } else { entry = try await head() }
        guard let entry, try await client.revoke(entry, reason: reason) else { return nil }
        return entry
    }

    /// Takes the lock, or a place in its queue, away from the one contender that has `token`, and from nobody else, who may have come to hold
    /// it meanwhile. See ``ZooKeeper/ZooKeeperClient/break(_:)``.
    ///
    /// - Parameters:
    ///   - token: as ``Lease/fencingToken``, ``QueueEntry/fencingToken`` or `zklock ls` show it. With a ``FencingToken/turn`` it names the process,
    ///     whichever of its turns it has by now: all of them hold by one znode.
    ///   - grace: wait so long for it to go by itself.
    /// - Returns: who has lost its place; `nil` when it has gone by itself meanwhile.
    /// - Throws: ``LockError/noContender(_:token:holder:)`` when nobody in the queue has that token; ``LockError/session(_:)`` when
    ///   ZooKeeper refuses; ``LockError/cancelled(_:)``.
    @discardableResult
    public func `break`(
        token: FencingToken, after grace: Duration = .zero
    ) async throws(LockError) -> QueueEntry? {
        let entry = try await contender(with: token)
        if grace > .zero, await client.isGone(entry, within: grace) { return nil }
        if Task.isCancelled { throw .cancelled(path) }
        return try await client.break(entry) ? entry : nil
    }

    private func contender(with token: FencingToken) async throws(LockError) -> QueueEntry {
        let queue: QueueSnapshot
        do throws(ZooKeeperError) { queue = try await client.queue(of: path) } catch { throw LockError(error, path) }
        guard let entry = queue.entry(with: token) else {
            throw .noContender(path, token: token, holder: queue.holder)
        }
        return entry
    }

    /// Without reading what all the others say of themselves.
    private func head() async throws(LockError) -> QueueEntry? {
        do throws(ZooKeeperError) {
            for name in QueueNames(try await client.children(path)).contenders {
                if let entry = try await QueueReader.entry(name, at: path, client) { return entry }
            }
            return nil
        } catch {
            if error.code == .noNode { return nil }
            throw LockError(error, path)
        }
    }
}

extension LockError {
    init(_ error: ZooKeeperError, _ path: NodePath) {
        self = error.code == .cancelled ? .cancelled(path) : .session(error)
    }
}
