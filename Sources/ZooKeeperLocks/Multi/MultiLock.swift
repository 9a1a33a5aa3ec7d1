public import ZooKeeper

/// Several locks at once: all of them or none, and never a deadlock, in whatever order they are named.
///
/// ```swift
/// let accounts = try client.multiLock(["/accounts/17", "/accounts/4"])
/// try await accounts.withLocks(timeout: .seconds(2)) { lease in
///     try await transfer(from: 17, to: 4, token: lease.fencingToken)
/// }
/// ```
///
/// One transaction enters all queues, in one round trip, so its number orders this contender against each other one in all queues alike: who
/// is ahead in one is ahead in all that the two have in common, and nobody waits in a circle. The lease begins when this contender is at the
/// head of every queue. Whoever wants just one of the locks (``DistributedLock``, or another library) queues with it like with any other.
///
/// That there is no deadlock holds for a task that takes all it needs *in one go, while it holds nothing*. So a multi-lock joins no lease that
/// exists: it is not reentrant, and asked for by a task that holds one of the locks it waits for that task.
///
/// Each znode of the lease has the same ``Lease/fencingToken``, the number of the transaction, which in each queue is larger than that of every
/// holder before. Losing one of the locks is losing the lease. ``Lease/proveHeld()`` and ``Lease/guard(_:)`` are about all of them; ``Lease/path``
/// and ``Lease/node`` name the first.
public struct MultiLock: Sendable {
    public typealias Options = DistributedLock.Options

    /// The locks' paths, each once, in the order in which they were named.
    public let paths: [NodePath]
    public var client: ZooKeeperClient { entrance.client }
    public var options: Options { entrance.options }
    private let entrance: QueueEntrance
    private let stripes: (path: NodePath, layout: StripeLayout)?

    /// The most paths that one transaction takes.
    public static let maximumPaths = 1000

    /// - Parameter paths: at least one; whatever is named twice is locked once.
    /// - Throws: ``ZooKeeperError`` with the code `invalidArgument` (no path, more than ``maximumPaths``, the root, or a reentrant lock),
    ///   `invalidPath`, or `dataTooLarge` when the transaction would be too large for a server.
    public init(
        _ paths: [NodePath], client: ZooKeeperClient, options: Options = Options()
    ) throws(ZooKeeperError) {
        try self.init(paths, stripes: nil, client: client, options: options, operation: "multi-lock")
    }

    init(
        _ paths: [NodePath], stripes: (path: NodePath, layout: StripeLayout)?, client: ZooKeeperClient,
        options: Options, operation: String
    ) throws(ZooKeeperError) {
        func refuse(_ detail: String) -> ZooKeeperError {
            ZooKeeperError(.invalidArgument, operation: operation, path: stripes?.path, detail: detail)
        }
        var known: Set<NodePath> = []
        self.paths = paths.filter { known.insert($0).inserted }
        guard let first = self.paths.first else { throw refuse("nothing to lock: name at least one") }
        guard self.paths.count <= Self.maximumPaths else {
            throw refuse("\(self.paths.count) locks at once, at most \(Self.maximumPaths) are taken")
        }
        guard !options.isReentrant else {
            throw refuse("it joins no lease that exists, or there could be deadlocks: leave `isReentrant` as it is")
        }
        guard options.fairness == .strict else {
            throw refuse("it takes no turns with others of its process, or there could be deadlocks: use `.strict`")
        }
        let policy = QueuePolicy(claim: .exclusive, naming: options.naming)
        for path in self.paths.dropFirst() {
            _ = try QueueEntrance(path, client: client, options: options, policy: policy, operation: operation)
        }
        entrance = try QueueEntrance(first, client: client, options: options, policy: policy, operation: operation)
        self.stripes = stripes
        // As large as the one that will be sent.
        let operations = MultiLockMachine.entry(
            self.paths, uuid: String(repeating: "0", count: 36), policy: policy, record: Owner.record(options),
            acl: options.acl)
        if let flaw = Request.commit(operations).flaw {
            throw ZooKeeperError(
                flaw.code, operation: operation,
                path: flaw.failedOperation.map { self.paths[min($0, self.paths.count - 1)] },
                detail: "\(self.paths.count) locks at once: \(flaw.detail)")
        }
    }

    // MARK: Acquire and release

    /// Waits for all locks: enters all queues at their ends, and is granted them when everybody in front is gone everywhere.
    ///
    /// Locks that are free are granted in one round trip, however many they are. The wait lives through lost connections. When the session
    /// expires meanwhile, or somebody deletes one of the znodes, all places are given up and taken again together, at the ends
    /// of the queues.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait in all, however many locks there are and however often the waiter is woken; `nil` for no limit. Zero takes
    ///     the locks if all of them are free.
    ///   - onPosition: called for each queue on entering it and whenever it was looked at again, on a thread of the client: it must not block.
    /// - Throws: ``LockError/timedOut(_:ahead:holder:)`` with the path of one that was not to be had; ``LockError/cancelled(_:)`` when the calling
    ///   task is cancelled; ``LockError/session(_:)`` when ZooKeeper refuses, as for missing rights on one of the paths. In each case nothing
    ///   is left in any queue when this throws; only if the connection is lost, or the server takes more than a second, the removal
    ///   goes on in the background.
    public func acquire(
        timeout: Duration? = nil,
        onPosition: (@Sendable (QueuePosition) -> Void)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) async throws(LockError) -> Lease {
        let contender = try contender(timeout: timeout, onPosition: onPosition)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { contender.enter($0, within: timeout) }
        } onCancel: {
            contender.giveUp(.cancelled)
        }
        if let lease = contender.lease(file: file, line: line) { return lease }
        throw await contender.error()
    }

    private func contender(
        timeout: Duration?, onPosition: (@Sendable (QueuePosition) -> Void)?
    ) throws(LockError) -> Contender {
        try entrance.check(timeout)
        let onlyIfAvailable = timeout == .zero
        let driver = MultiLockDriver(
            paths, stripes: stripes, onlyIfAvailable: onlyIfAvailable, policy: entrance.policy, onPosition: onPosition)
        return Contender(entrance, group: driver, onlyIfAvailable: onlyIfAvailable, onPosition: nil)
    }

    /// Takes all locks if all are free; `nil` if one is not. Does not wait for anybody, just for the server's answers.
    ///
    /// - Throws: as ``acquire(timeout:onPosition:file:line:)`` does, and ``LockError/session(_:)`` when there is no answer within the
    ///   client's request timeout.
    public func tryAcquire(file: String = #fileID, line: Int = #line) async throws(LockError) -> Lease? {
        do throws(LockError) {
            return try await acquire(timeout: .zero, file: file, line: line)
        } catch {
            if case .timedOut = error { return nil }
            throw error
        }
    }

    /// Runs `body` while holding all locks. See ``DistributedLock/withLock(timeout:isolation:file:line:_:)``, which it is like in all respects.
    ///
    /// - Throws: what ``acquire(timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)`` when one of the locks
    ///   was lost meanwhile and the body ended without an error of its own.
    public func withLocks<R>(
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        let lease = try await acquire(timeout: timeout, file: file, line: line)
        return try await lease.run(body, isolation: isolation)
    }

    /// Runs `body` while holding all locks if all are free now; otherwise returns `nil` without running it.
    ///
    /// - Throws: as ``withLocks(timeout:isolation:file:line:_:)`` does, but never `timedOut`.
    public func withLocksIfAvailable<R>(
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R? {
        guard let lease = try await tryAcquire(file: file, line: line) else { return nil }
        return try await lease.run(body, isolation: isolation)
    }
}

extension ZooKeeperClient {
    /// The locks at `paths`, to be taken together.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument` or `dataTooLarge`.
    public func multiLock(
        _ paths: [String], options: MultiLock.Options = .init()
    ) throws(ZooKeeperError) -> MultiLock {
        var checked: [NodePath] = []
        for path in paths { checked.append(try NodePath(path)) }
        return try MultiLock(checked, client: self, options: options)
    }
}
