public import ZooKeeper

/// Elects one leader among any number of candidates in any number of processes: whoever came first leads until it resigns or is gone, then
/// whoever came next.
///
/// ```swift
/// var options = LeaderElection.Options()
/// options.data = Array("10.0.0.7:8080".utf8)
/// let election = try client.election("/jobs/leader", options: options)
/// try await election.run { lease in
///     try await runTheScheduler(token: lease.fencingToken)
/// }
/// ```
///
/// It is a ``DistributedLock`` that is held for long: the same queue, lease and token, and the same promises. A leader that cannot be sure any
/// more that it leads is cancelled before the servers let the next one lead; one that is paused cannot be stopped by anybody, so
/// have what it writes to refuse an old ``Lease/fencingToken``.
///
/// The next leader leads when the session of one that died without a word is over: after the session timeout, and up to a tick of the
/// servers more.
public struct LeaderElection: Sendable {
    public struct Options: Sendable {
        /// What the program says of itself to people, at most 4096 bytes; see ``Owner/label``.
        public var label: String?
        /// What others are told of this candidate when it leads: an address, for example; at most 65536 bytes.
        public var data: [UInt8] = []
        /// The rights on the candidate's znode, and on the election's path where that is made.
        public var acl: [ACL] = [.open]
        /// As ``DistributedLock/Options/waitsForConfirmedLease``: on by default, since a leader that leads for long can well wait a twelfth of a
        /// session timeout.
        public var waitsForConfirmedLease = true
        /// The longest time that one candidate may lead at a stretch; see ``DistributedLock/Options/maximumHold``.
        public var maximumTerm: Duration?

        public init() {}
    }

    public let options: Options
    private let lock: DistributedLock

    public var path: NodePath { lock.path }
    public var client: ZooKeeperClient { lock.client }

    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public init(_ path: NodePath, client: ZooKeeperClient, options: Options = Options()) throws(ZooKeeperError) {
        self.options = options
        var lockOptions = DistributedLock.Options()
        lockOptions.label = options.label
        lockOptions.payload = options.data.isEmpty ? nil : options.data
        lockOptions.acl = options.acl
        lockOptions.waitsForConfirmedLease = options.waitsForConfirmedLease
        lockOptions.maximumHold = options.maximumTerm
        lock = try DistributedLock(path, client: client, options: lockOptions)
    }

    // MARK: Leading

    /// Waits until this candidate leads, and runs `body` meanwhile. To resign is to return from `body`, or ``Lease/resign()``.
    ///
    /// - Parameter timeout: how long to wait for the office; `nil` for no limit.
    /// - Throws: as ``DistributedLock/withLock(timeout:isolation:file:line:_:)`` does: ``LockError/lost(_:_:token:)`` when the leadership was lost.
    public func withLeadership<R>(
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        try await lock.withLock(timeout: timeout, isolation: isolation, file: file, line: line, body)
    }

    /// Waits until this candidate leads. It leads until ``Lease/resign()``, or until the lease is lost: see ``Lease/events``.
    ///
    /// - Throws: as ``DistributedLock/acquire(timeout:onPosition:file:line:)`` does.
    public func campaign(
        timeout: Duration? = nil, file: String = #fileID, line: Int = #line
    ) async throws(LockError) -> Lease {
        try await lock.acquire(timeout: timeout, file: file, line: line)
    }

    /// Stands for election again and again, and runs `lead` whenever this candidate leads, until the calling task is cancelled: the whole life
    /// of a service, for a task of its own.
    ///
    /// When the leadership is lost, `lead` is cancelled, and when it has ended the candidate stands again, with a new token. When `lead`
    /// returns by itself it has resigned, and stands again behind all others. When the calling task is cancelled, `lead` is, and this returns
    /// when that has ended and the candidate has resigned.
    ///
    /// - Throws: what `lead` throws, but neither what it throws because it was cancelled nor a ``LockError/lost(_:_:token:)`` of this election;
    ///   ``LockError/session(_:)`` when standing again is of no use: no rights, or the client is closed.
    public func run(
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ lead: (Lease) async throws -> Void
    ) async throws {
        while !Task.isCancelled {
            do {
                try await lock.withLock(isolation: isolation, file: file, line: line) { try await lead($0) }
            } catch LockError.lost(path, _, token: _) {
                continue
            } catch  where Task.isCancelled && error.saysNoMoreThanCancelled {
                return
            }
        }
    }
}

extension Lease {
    /// Steps down: lets the next candidate lead. The same as ``release()``.
    public func resign() async {
        await release()
    }
}

extension ZooKeeperClient {
    /// The election at `path`.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public func election(
        _ path: String, options: LeaderElection.Options = .init()
    ) throws(ZooKeeperError) -> LeaderElection {
        try LeaderElection(NodePath(path), client: self, options: options)
    }
}
