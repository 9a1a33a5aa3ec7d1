extension ZooKeeperClient {
    /// Creates a znode.
    ///
    /// - Returns: its path, with the number that the server gave it if `mode` is sequential, and its `Stat`.
    /// - Throws: ``ZooKeeperError``: `nodeExists`, `noNode` (the parent is missing), `noChildrenForEphemerals`,
    ///   `notAuthorized`, `invalidACL`, `unimplemented` (a time to live on a server without extended types), `dataTooLarge`, or
    ///   what any request may throw. After `outcomeIsUnknown` the znode may exist.
    @discardableResult
    public func create(
        _ path: NodePath,
        data: [UInt8] = [],
        mode: CreateMode = .persistent,
        acl: [ACL] = [.open]
    ) async throws(ZooKeeperError) -> (path: NodePath, stat: Stat) {
        let request = Request.create(path, data: data, mode: mode, acl: acl)
        guard case .created(let created, let stat) = try await perform(request) else { throw unexpected(request) }
        return (created, stat)
    }

    /// Creates a znode of the given mode at `path` and at each of its parents that is missing. One that exists is left as it
    /// is, whatever its mode.
    ///
    /// - Throws: as ``create(_:data:mode:acl:)`` does, but neither `nodeExists` nor `noNode`.
    public func ensureExists(
        _ path: NodePath, mode: CreateMode = .container, acl: [ACL] = [.open]
    ) async throws(ZooKeeperError) {
        do throws(ZooKeeperError) {
            try await create(path, mode: mode, acl: acl)
        } catch  where error.code == .nodeExists {
            return
        } catch  where error.code == .noNode {
            guard let parent = path.parent else { throw error }
            try await ensureExists(parent, mode: mode, acl: acl)
            try await ensureExists(path, mode: mode, acl: acl)
        }
    }

    /// Reads the data of a znode.
    ///
    /// - Throws: ``ZooKeeperError``: `noNode`, `notAuthorized`, or what any request may throw.
    public func get(_ path: NodePath) async throws(ZooKeeperError) -> (data: [UInt8], stat: Stat) {
        let request = Request.get(path, watch: nil)
        guard case .data(let data, let stat) = try await perform(request) else { throw unexpected(request) }
        return (data, stat)
    }

    /// Replaces the data of a znode.
    ///
    /// - Parameter version: the version that it must have; `nil` for any.
    /// - Throws: ``ZooKeeperError``: `noNode`, `badVersion`, `notAuthorized`, `dataTooLarge`, or what any request may throw.
    @discardableResult
    public func set(_ path: NodePath, data: [UInt8], version: Int32? = nil) async throws(ZooKeeperError) -> Stat {
        let request = Request.set(path, data: data, version: version)
        guard case .stat(let stat) = try await perform(request) else { throw unexpected(request) }
        return stat
    }

    /// The `Stat` of a znode; `nil` when there is none.
    public func exists(_ path: NodePath) async throws(ZooKeeperError) -> Stat? {
        let request = Request.exists(path, watch: nil)
        do throws(ZooKeeperError) {
            guard case .stat(let stat) = try await perform(request) else { throw unexpected(request) }
            return stat
        } catch  where error.code == .noNode {
            return nil
        }
    }

    /// The names of the children of a znode, in no particular order.
    ///
    /// - Throws: ``ZooKeeperError``: `noNode`, `notAuthorized`, or what any request may throw.
    public func children(_ path: NodePath) async throws(ZooKeeperError) -> [String] {
        try await childrenAndStat(path).names
    }

    /// The names of the children of a znode, in no particular order, and its `Stat`, as of the same instant.
    ///
    /// - Throws: as ``children(_:)`` does.
    public func childrenAndStat(_ path: NodePath) async throws(ZooKeeperError) -> (names: [String], stat: Stat) {
        let request = Request.children(path, watch: nil)
        guard case .children(let names, let stat) = try await perform(request) else { throw unexpected(request) }
        return (names, stat)
    }

    /// Deletes a znode that has no children.
    ///
    /// - Parameter version: the version that it must have; `nil` for any.
    /// - Throws: ``ZooKeeperError``: `noNode`, `notEmpty`, `badVersion`, `notAuthorized`, or what any request may throw.
    public func delete(_ path: NodePath, version: Int32? = nil) async throws(ZooKeeperError) {
        _ = try await perform(.delete(path, version: version))
    }

    /// Executes all operations of `transaction`, in order, or none.
    ///
    /// - Returns: what each of them gave.
    /// - Throws: ``ZooKeeperError``; its `failedOperation` is the index of the operation that failed, its code why.
    @discardableResult
    public func commit(_ transaction: Transaction) async throws(ZooKeeperError) -> [Transaction.Result] {
        if transaction.isEmpty { return [] }
        let request = Request.commit(transaction.operations)
        do throws(ZooKeeperError) {
            guard case .committed(let results) = try await perform(request) else { throw unexpected(request) }
            return results
        } catch {
            guard let index = error.failedOperation else { throw error }
            var error = error
            error.path = transaction.operations[index].path
            throw error
        }
    }

    // MARK: The way of a request

    /// Checks and sends a request, and waits for its answer until the request timeout, or until `limit` if that is ahead of it.
    func perform(
        _ request: Request, by limit: ContinuousClock.Instant? = nil
    ) async throws(ZooKeeperError) -> Reply {
        if let flaw = request.flaw { throw flaw }
        return try await perform(request.operation, request.path, mayRepeat: request.mayRepeat, by: limit) {
            session, deadline in
            await session.perform(request, deadline: deadline)
        }
    }

    /// Runs `attempt` in the current session, until the request timeout, or until `limit` if that is ahead of it. Where the session ends
    /// meanwhile, the next one takes the request if it was not sent, or if it does no harm to send it twice; the same for a connection that
    /// is lost.
    func perform<Answer>(
        _ operation: String,
        _ path: NodePath?,
        mayRepeat: Bool,
        by limit: ContinuousClock.Instant? = nil,
        _ attempt: (Session, ContinuousClock.Instant) async -> Result<Answer, RequestFailure>
    ) async throws(ZooKeeperError) -> Answer {
        let timeout = ContinuousClock.now + configuration.requestTimeout
        let deadline = limit.map { min($0, timeout) } ?? timeout
        while true {
            let session: Session
            if let current = keeper.currentSession {
                session = current
            } else {
                session = try await keeper.session(operation, until: deadline)
            }
            switch await attempt(session, deadline) {
            case .success(let answer):
                return answer
            case .failure(let failure) where failure.endsSession && (failure.wasNeverSent || mayRepeat):
                continue
            case .failure(let failure) where failure.code == .connectionLost && mayRepeat:
                continue
            case .failure(let failure):
                throw failure.error(operation: operation, path: path)
            }
        }
    }

    func unexpected(_ request: Request) -> ZooKeeperError {
        ZooKeeperError(
            .internalInconsistency, operation: request.operation, path: request.path,
            detail: "an answer of another kind")
    }
}

extension RequestFailure {
    /// The session is over, the client is not.
    var endsSession: Bool {
        switch code {
        case .sessionExpired, .authenticationFailed, .notZooKeeper: true
        default: false
        }
    }
}
