import Locking
public import ZooKeeper

/// A fair lock that many may hold for reading, or one for writing, across processes and machines.
///
/// ```swift
/// let catalogue = try client.readWriteLock("/shop/catalogue")
/// let price = try await catalogue.readLock.withLock { lease in try await prices.look(up: sku) }
/// try await catalogue.writeLock.withLock(timeout: .seconds(5)) { lease in
///     try await prices.replaceAll(token: lease.fencingToken)
/// }
/// ```
///
/// Who asks first is served first: a reader waits for every writer ahead of it, a writer for everybody ahead. So readers that go on coming
/// do not keep a writer out, nor writers a reader. Whoever waits watches just the one that it waits for: a reader the nearest writer.
///
/// The queue and its names are those of Apache Curator's `InterProcessReadWriteLock` (`_c_<uuid>-__READ__<number>`, `-__WRIT__`), so both may
/// use one path; with ``ContenderNaming/kazoo`` they are those of kazoo's `ReadLock` and `WriteLock`. A ``DistributedLock`` on the same path is one
/// more writer.
///
/// Not reentrant. What could only end in a wait for oneself is refused at once, with ``LockError/wouldDeadlock(_:_:)``: asking for the write lock
/// inside the body of a `withLock` that holds either, asking for the read lock inside that of the write lock, and a read lock inside that
/// of the read lock if a writer waits in between. A task that was started inside such a body counts as inside, as long as the body's lease
/// is held: the body may be waiting for it. Use a detached task for one that it does not wait for. A writer becomes a reader
/// with ``Lease/downgrade()``; a reader cannot become a writer, since two that want to would wait for each other.
///
/// A value without state of its own, as a ``DistributedLock`` is.
public struct DistributedReadWriteLock: Sendable {
    public typealias Options = DistributedLock.Options

    public let path: NodePath
    public let client: ZooKeeperClient
    public let options: Options
    /// Held together with other readers. Its ``Lease/fencingToken`` tells leases apart; as valid holders overlap, it does not fence.
    public let readLock: Side
    /// Held alone. Its ``Lease/fencingToken`` is larger than that of every holder that came before.
    public let writeLock: Side

    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public init(_ path: NodePath, client: ZooKeeperClient, options: Options = Options()) throws(ZooKeeperError) {
        self.path = path
        self.client = client
        self.options = options
        readLock = try Side(
            entrance: QueueEntrance(
                path, client: client, options: options, policy: QueuePolicy(claim: .read, naming: options.naming),
                operation: "read lock"))
        writeLock = try Side(
            entrance: QueueEntrance(
                path, client: client, options: options, policy: QueuePolicy(claim: .write, naming: options.naming),
                operation: "write lock"))
    }

    /// One of the two ways to hold a ``DistributedReadWriteLock``.
    public struct Side: Sendable {
        let entrance: QueueEntrance

        /// Waits for the lock. See ``DistributedLock/acquire(timeout:onPosition:file:line:)``, which it is like in all respects.
        ///
        /// - Parameters:
        ///   - timeout: how long to wait in all; `nil` for no limit. Zero takes the lock if it is free.
        ///   - onPosition: called on entering the queue and whenever the queue was looked at again, on a thread of the client: it must
        ///     not block. A reader may hold with others ahead of it.
        /// - Throws: as a ``DistributedLock`` does; ``LockError/wouldDeadlock(_:_:)`` inside the body of a `withLock` of the same lock.
        public func acquire(
            timeout: Duration? = nil,
            onPosition: (@Sendable (QueuePosition) -> Void)? = nil,
            file: String = #fileID,
            line: Int = #line
        ) async throws(LockError) -> Lease {
            guard let outer = HeldLeases.lease(on: entrance) else {
                return try await entrance.acquire(timeout: timeout, onPosition: onPosition, file: file, line: line)
            }
            try refuse(outer)
            // Whoever is in the way may wait for the outer lease: there must be nobody.
            if let lease = try await entrance.tryAcquire(file: file, line: line) { return lease }
            throw .wouldDeadlock(
                entrance.path,
                "asked for reading by a task that reads already, behind a writer that waits for that task: use the outer lease"
            )
        }

        /// Takes the lock if it is free; `nil` if it is not. See ``DistributedLock/tryAcquire(file:line:)``.
        public func tryAcquire(file: String = #fileID, line: Int = #line) async throws(LockError) -> Lease? {
            if let outer = HeldLeases.lease(on: entrance) { try refuse(outer) }
            return try await entrance.tryAcquire(file: file, line: line)
        }

        /// Runs `body` while holding the lock. See ``DistributedLock/withLock(timeout:isolation:file:line:_:)``, which it is like in all
        /// respects.
        ///
        /// - Throws: what ``acquire(timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)``.
        public func withLock<R>(
            timeout: Duration? = nil,
            isolation: isolated (any Actor)? = #isolation,
            file: String = #fileID,
            line: Int = #line,
            _ body: (Lease) async throws -> sending R
        ) async throws -> sending R {
            let lease = try await acquire(timeout: timeout, file: file, line: line)
            return try await lease.run(body, isolation: isolation)
        }

        /// Runs `body` while holding the lock if that is possible now; otherwise returns `nil` without running it.
        ///
        /// - Throws: as ``withLock(timeout:isolation:file:line:_:)`` does, but never `timedOut`.
        public func withLockIfAvailable<R>(
            isolation: isolated (any Actor)? = #isolation,
            file: String = #fileID,
            line: Int = #line,
            _ body: (Lease) async throws -> sending R
        ) async throws -> sending R? {
            guard let lease = try await tryAcquire(file: file, line: line) else { return nil }
            return try await lease.run(body, isolation: isolation)
        }

        private func refuse(_ outer: Lease) throws(LockError) {
            switch (outer.claim, entrance.policy.claim) {
            case (.read, .read): return
            case (.read, _):
                throw .wouldDeadlock(
                    entrance.path,
                    "a reader cannot become a writer: release the read lock first, or take the write lock from the start and downgrade()"
                )
            case (_, .read):
                throw .wouldDeadlock(
                    entrance.path, "asked for reading by a task that holds it for writing: downgrade() that lease")
            default:
                throw .wouldDeadlock(
                    entrance.path, "asked for writing by a task that holds it for writing already: use the outer lease")
            }
        }
    }
}

extension Lease {
    /// What is held: a writer may have become a reader.
    var claim: Claim { contender.core.withLock { $0.machine.policy.claim } }

    /// Turns a held write lock into a read lock, without a moment in between in which somebody else could write: one transaction puts a reader's
    /// znode into the writer's place, ahead of everybody who waits. Readers right behind may then come in; the next writer waits for this
    /// lease, too. From the call on others may be reading: write no more. The lease stays the same, with its ``fencingToken`` and all that was begun under it, but for its ``node``; it is released once.
    ///
    /// Goes on through lost connections, until it is done or the lease is over; it does not end early when the calling task is cancelled.
    ///
    /// - Throws: ``LockError/lost(_:_:token:)`` or ``LockError/released(_:)`` when the lease is over; ``LockError/session(_:)`` with
    ///   `invalidArgument` for a lease that is no write lock's, that is a reader's already, or that is named as kazoo's are, which knows no
    ///   such thing; and when ZooKeeper refuses, as for the missing right to create: then it is still held for writing.
    public func downgrade() async throws(LockError) {
        try checkHeld()
        let result = await contender.downgrade()
        guard case .failure(let failure) = result else { return }
        try checkHeld()
        let refusal =
            failure.code == .invalidArgument
            ? RequestFailure(
                .invalidArgument,
                detail:
                    "only the lease of a write lock can be downgraded, once, and not one that is named as kazoo's are")
            : failure
        throw .session(refusal.error(operation: "downgrade", path: node))
    }
}

extension ZooKeeperClient {
    /// The read/write lock at `path`.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public func readWriteLock(
        _ path: String, options: DistributedReadWriteLock.Options = .init()
    ) throws(ZooKeeperError) -> DistributedReadWriteLock {
        try DistributedReadWriteLock(NodePath(path), client: self, options: options)
    }
}
