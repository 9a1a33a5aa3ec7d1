public import ZooKeeper

/// Asking a contender to go, and making it go. Both work on what a look at the queue has shown (``ZooKeeper/ZooKeeperClient/queue(of:)``),
/// whatever the recipe, and touch just that contender: its znode's name never comes again, and its token is compared all the same.
extension ZooKeeperClient {
    /// Asks a contender to give up its lock: writes a ``RevocationRequest`` into its znode, beside its record.
    ///
    /// Returns when the request is written, not when it is heard or followed. One who waits yet is told when it holds. Asking again
    /// replaces the request, and is told again. Needs the rights `read` and `write` on the contender's znode.
    ///
    /// - Parameter reason: for people; at most ``RevocationRequest/maximumReasonLength`` bytes.
    /// - Returns: whether it was still there to be asked.
    /// - Throws: ``LockError/notRevocable(_:_:)`` when its library would not tell it (kazoo, go-zookeeper, a Curator lock that was not made
    ///   revocable); ``LockError/session(_:)`` when ZooKeeper refuses; ``LockError/cancelled(_:)``.
    @discardableResult
    public func revoke(_ entry: QueueEntry, reason: String? = nil) async throws(LockError) -> Bool {
        guard reason?.utf8.count ?? 0 <= RevocationRequest.maximumReasonLength else {
            throw .session(
                ZooKeeperError(
                    .dataTooLarge, operation: "revoke", path: entry.node,
                    detail: "the reason has more than \(RevocationRequest.maximumReasonLength) bytes"))
        }
        let request = RevocationRequest.current(reason: reason)
        return try await steadily(entry) { () async throws(ZooKeeperError) in
            guard let (data, stat) = try await dataIfThere(of: entry) else { return .success(false) }
            // The answer to the last attempt was lost: it is written.
            if RevocationRequest(contendersData: data) == request { return .success(true) }
            guard let asked = request.added(to: data, of: entry.naming) else {
                return .failure(.notRevocable(entry.lock, Holder(node: entry.node, owner: entry.owner)))
            }
            // Neither another request nor anything that the contender itself writes is lost.
            try await set(entry.node, data: asked, version: stat.version)
            return .success(true)
        }
    }

    /// Takes the lock, or the place in its queue, away from a contender: deletes its znode.
    ///
    /// A holder hears of it (``LossReason/nodeDeleted``), but the next one may be granted the lock first: have what the lock protects refuse
    /// old tokens. Needs the right `delete` on the lock's path, and none on the contender's znode.
    ///
    /// - Returns: whether it was still there to be deleted.
    /// - Throws: ``LockError/session(_:)`` when ZooKeeper refuses; ``LockError/cancelled(_:)``.
    @discardableResult
    public func `break`(_ entry: QueueEntry) async throws(LockError) -> Bool {
        var mayHaveDeleted = false
        return try await steadily(entry) { () async throws(ZooKeeperError) in
            guard let stat = try await exists(entry.node), stat.czxid == entry.fencingToken.rawValue else {
                return .success(mayHaveDeleted)
            }
            do throws(ZooKeeperError) {
                // In the version that was just seen: a request that came in between is no reason to spare it, and shows on the next look.
                try await delete(entry.node, version: stat.version)
                return .success(true)
            } catch {
                if error.outcomeIsUnknown { mayHaveDeleted = true }
                throw error
            }
        }
    }

    /// Waits until that contender is gone.
    ///
    /// - Returns: whether it went within `limit`; `false` also when the calling task is cancelled.
    package func isGone(_ entry: QueueEntry, within limit: Duration) async -> Bool {
        let wait = Task {
            for try await value in changes(of: entry.node) where value?.stat.czxid != entry.fencingToken.rawValue {
                return true
            }
            return false
        }
        let timer = TimerThread.shared.schedule(at: .now + limit.bounded) { wait.cancel() }
        defer { TimerThread.shared.cancel(timer) }
        return await withTaskCancellationHandler {
            (try? await wait.value) ?? false
        } onCancel: {
            wait.cancel()
        }
    }

    private func dataIfThere(of entry: QueueEntry) async throws(ZooKeeperError) -> (data: [UInt8], stat: Stat)? {
        do throws(ZooKeeperError) {
            let (data, stat) = try await get(entry.node)
            return stat.czxid == entry.fencingToken.rawValue ? (data, stat) : nil
        } catch {
            guard error.code == .noNode else { throw error }
            return nil
        }
    }

    /// Looks and tries again where another change of the znode came first, and where an answer was lost.
    private func steadily(
        _ entry: QueueEntry, _ attempt: () async throws(ZooKeeperError) -> Result<Bool, LockError>
    ) async throws(LockError) -> Bool {
        var (overtaken, lost) = (0, 0)
        while true {
            let result: Result<Bool, LockError>
            do throws(ZooKeeperError) {
                result = try await attempt()
            } catch {
                switch error.code {
                case .badVersion, .noNode: overtaken += 1
                case .connectionLost, .sessionExpired: lost += 1
                default: lost += error.outcomeIsUnknown ? 1 : 3
                }
                guard overtaken < 10, lost < 3, error.code != .cancelled else { throw LockError(error, entry.lock) }
                continue
            }
            return try result.get()
        }
    }
}

extension QueueEntry {
    /// The lock that it queues for.
    var lock: NodePath { node.parent ?? .root }
}
