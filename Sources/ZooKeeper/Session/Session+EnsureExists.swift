extension Session {
    /// Makes `path` and those of its parents that are missing, as containers; one that exists is left as it is.
    package func ensureExists(
        _ path: NodePath,
        data: [UInt8],
        acl: [ACL],
        deadline: ContinuousClock.Instant,
        handler: @escaping @Sendable (Result<Void, RequestFailure>) -> Void
    ) {
        submit(.create(path, data: data, mode: .container, acl: acl), deadline: deadline) { [self] result in
            switch result {
            case .success:
                handler(.success(()))
            case .failure(let failure) where failure.code == .nodeExists:
                handler(.success(()))
            case .failure(let failure) where failure.code == .noNode:
                guard let parent = path.parent else { return handler(.failure(failure)) }
                ensureExists(parent, data: [], acl: acl, deadline: deadline) { [self] result in
                    guard case .success = result else { return handler(result) }
                    ensureExists(path, data: data, acl: acl, deadline: deadline, handler: handler)
                }
            case .failure(let failure):
                handler(.failure(failure.lacking("create", on: path.parent)))
            }
        }
    }
}
