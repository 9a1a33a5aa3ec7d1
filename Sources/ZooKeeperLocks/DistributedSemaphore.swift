public import ZooKeeper

/// So many permits for all processes and machines together, given out in the order in which they are asked for.
///
/// ```swift
/// let exports = try client.semaphore("/shop/exports", permits: 7)
/// try await exports.withPermits { lease in try await export(order) }
/// try await exports.withPermits(3, timeout: .seconds(30)) { lease in try await exportAll(orders) }
/// ```
///
/// Strictly first come, first served: somebody who waits for three permits is not overtaken by those who want one, and permits that are
/// free are kept for whoever is first. All who use one semaphore have to name the same number of permits: it is stored in the path's znode, and
/// who names another is refused (``LockError/permitsDisagree(_:expected:found:)``).
///
/// Each contender's znode is named `_c_<uuid>-permits-<count>-<number>`, so a listing tells who holds: whoever has at most as many
/// permits in front of it and its own together as there are. The first that does not hold watches all who come and go; each one behind it watches
/// just the one in front, which tells it when it has been granted its own: two are woken by a release, however many wait.
///
/// Not reentrant: whoever holds permits and asks for more waits, perhaps for itself. Permits that are lost, with a session that ended, are
/// free again when the servers have noticed, a session timeout later. The ``Lease/fencingToken`` of permits tells leases apart; as valid
/// holders overlap, it does not fence.
public struct DistributedSemaphore: Sendable {
    public typealias Options = DistributedLock.Options

    public let path: NodePath
    public let client: ZooKeeperClient
    /// How many there are in all.
    public let permits: Int
    public let options: Options
    private let entrance: QueueEntrance

    /// - Parameter permits: how many there are in all, up to 99,999,999.
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`; `invalidACL` when `options.acl` does not let anybody
    ///   write: whoever is granted permits writes to its own znode, to tell whoever is behind.
    public init(
        _ path: NodePath, permits: Int, client: ZooKeeperClient, options: Options = Options()
    ) throws(ZooKeeperError) {
        func refuse(_ code: ZooKeeperError.Code, _ detail: String) -> ZooKeeperError {
            ZooKeeperError(code, operation: "semaphore", path: path, detail: detail)
        }
        guard (1...ContenderName.maximumPermits).contains(permits) else {
            throw refuse(.invalidArgument, "\(permits) permits: between 1 and \(ContenderName.maximumPermits)")
        }
        guard options.naming == .curator else {
            throw refuse(.invalidArgument, "no other library has such a semaphore: leave `naming` as it is")
        }
        entrance = try QueueEntrance(
            path, client: client, options: options, policy: .permits(1, of: permits), operation: "semaphore")
        guard options.acl.contains(where: { $0.permissions.contains(.write) }) else {
            throw refuse(.invalidACL, "the contender's own znode has to be written to: nobody has the right to")
        }
        self.path = path
        self.permits = permits
        self.client = client
        self.options = options
    }

    /// Waits for permits: enters the queue at its end, in one round trip, and is granted them when all in front that hold, and all that
    /// waited in front, leave enough.
    ///
    /// - Parameters:
    ///   - count: how many, all at once.
    ///   - timeout: how long to wait in all; `nil` for no limit. Zero takes them if they are free and nobody waits.
    ///   - onPosition: called on entering the queue and whenever the queue was looked at again, on a thread of the client: it must
    ///     not block. Those who are ahead may hold, too.
    /// - Throws: as ``DistributedLock/acquire(timeout:onPosition:file:line:)`` does;
    ///   ``LockError/permitsDisagree(_:expected:found:)``; ``LockError/session(_:)`` with `invalidArgument` when there are not so many.
    public func acquire(
        permits count: Int = 1,
        timeout: Duration? = nil,
        onPosition: (@Sendable (QueuePosition) -> Void)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) async throws(LockError) -> Lease {
        try await entrance(for: count).acquire(timeout: timeout, onPosition: onPosition, file: file, line: line)
    }

    /// Takes permits if they are free and nobody waits; `nil` otherwise. See ``DistributedLock/tryAcquire(file:line:)``.
    public func tryAcquire(
        permits count: Int = 1, file: String = #fileID, line: Int = #line
    ) async throws(LockError) -> Lease? {
        try await entrance(for: count).tryAcquire(file: file, line: line)
    }

    /// Runs `body` while holding permits. See ``DistributedLock/withLock(timeout:isolation:file:line:_:)``, which it is like in all
    /// respects.
    ///
    /// - Throws: what ``acquire(permits:timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)``.
    public func withPermits<R>(
        _ count: Int = 1,
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        let lease = try await acquire(permits: count, timeout: timeout, file: file, line: line)
        return try await lease.run(body, isolation: isolation)
    }

    /// Runs `body` while holding permits if they are free now and nobody waits; otherwise returns `nil` without running it.
    ///
    /// - Throws: as ``withPermits(_:timeout:isolation:file:line:_:)`` does, but never `timedOut`.
    public func withPermitsIfAvailable<R>(
        _ count: Int = 1,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R? {
        guard let lease = try await tryAcquire(permits: count, file: file, line: line) else { return nil }
        return try await lease.run(body, isolation: isolation)
    }

    private func entrance(for count: Int) throws(LockError) -> QueueEntrance {
        guard (1...permits).contains(count) else {
            throw .session(
                ZooKeeperError(
                    .invalidArgument, operation: "acquire", path: path,
                    detail: "\(count) permits of \(permits): between 1 and all of them"))
        }
        return count == 1 ? entrance : QueueEntrance(entrance, policy: .permits(count, of: permits))
    }
}

extension ZooKeeperClient {
    /// The semaphore at `path`, of so many permits.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument` or `invalidACL`.
    public func semaphore(
        _ path: String, permits: Int, options: DistributedSemaphore.Options = .init()
    ) throws(ZooKeeperError) -> DistributedSemaphore {
        try DistributedSemaphore(NodePath(path), permits: permits, client: self, options: options)
    }
}
