extension ZooKeeperClient {
    /// The access rights of a znode, and its `Stat`.
    ///
    /// - Throws: ``ZooKeeperError``: `noNode`, `notAuthorized` (needs `read` or `admin`), or what any request may throw.
    public func acl(of path: NodePath) async throws(ZooKeeperError) -> (acl: [ACL], stat: Stat) {
        let request = Request.getACL(path)
        guard case .acl(let acl, let stat) = try await perform(request) else { throw unexpected(request) }
        return (acl, stat)
    }

    /// Replaces the access rights of a znode.
    ///
    /// - Parameter version: the version of the ACL that it must have (`Stat.aversion`); `nil` for any.
    /// - Throws: ``ZooKeeperError``: `noNode`, `badVersion`, `invalidACL`, `notAuthorized` (needs `admin`), or what any request
    ///   may throw.
    public func setACL(
        _ acl: [ACL], of path: NodePath, version: Int32? = nil
    ) async throws(ZooKeeperError) {
        _ = try await perform(.setACL(path, acl: acl, version: version))
    }

    /// Says who this client is, in this session and in those that follow it; see also ``Configuration/credentials``.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `authenticationFailed` when the servers do not know the scheme or refuse the
    ///   credential: the session is of no use then, and the client opens a new one without that credential.
    public func authenticate(_ credential: Credential) async throws(ZooKeeperError) {
        _ = try await perform(.authenticate(credential))
        keeper.remember(credential)
    }

    /// Waits until the server that this client is connected to has caught up with the leader, so that the next read sees what
    /// others wrote before this call.
    public func sync(_ path: NodePath = .root) async throws(ZooKeeperError) {
        _ = try await perform(.sync(path))
    }
}
