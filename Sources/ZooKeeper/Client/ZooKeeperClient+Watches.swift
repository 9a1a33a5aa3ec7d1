extension ZooKeeperClient {
    /// Reads the data of a znode and watches it: the watch sees the next change of the data, or the deletion.
    ///
    /// - Throws: as ``get(_:)`` does, and `tooManyWatches`; there is no watch then.
    public func getAndWatch(_ path: NodePath) async throws(ZooKeeperError) -> (data: [UInt8], stat: Stat, watch: Watch)
    {
        let (reply, watch) = try await watching(path, .get) { .get(path, watch: $0) }
        guard case .data(let data, let stat) = reply else { throw unexpected(.get(path, watch: nil)) }
        return (data, stat, watch)
    }

    /// Looks for a znode and watches it: the watch sees its creation, the next change of its data, or its deletion.
    ///
    /// Where the znode is missing, the server keeps the watch until it is created; prefer ``getAndWatch(_:)`` where only
    /// what exists is of interest.
    public func existsAndWatch(_ path: NodePath) async throws(ZooKeeperError) -> (stat: Stat?, watch: Watch) {
        let (reply, watch) = try await watching(path, .exists) { .exists(path, watch: $0) }
        guard case .stat(let stat) = reply else { return (nil, watch) }
        return (stat, watch)
    }

    /// Lists the children of a znode and watches the list: the watch sees the next child that is created or deleted, or the
    /// deletion of the znode itself.
    ///
    /// - Throws: as ``children(_:)`` does, and `tooManyWatches`; there is no watch then.
    public func childrenAndWatch(_ path: NodePath) async throws(ZooKeeperError) -> (names: [String], watch: Watch) {
        let (reply, watch) = try await watching(path, .children) { .children(path, watch: $0) }
        guard case .children(let names, _) = reply else { throw unexpected(.children(path, watch: nil)) }
        return (names, watch)
    }

    private func watching(
        _ path: NodePath, _ kind: Session.WatchKind, _ request: (WatchID) -> Request
    ) async throws(ZooKeeperError) -> (Reply, Watch) {
        try await perform("watch", path, mayRepeat: true) { session, deadline in
            do throws(RequestFailure) {
                let watch = try Watch(session, path, kind)
                switch await session.perform(request(watch.id), deadline: deadline) {
                case .success(let reply): return .success((reply, watch))
                // A watch for the creation of what is not there.
                case .failure(let failure) where failure.code == .noNode && kind == .exists:
                    return .success((.done, watch))
                case .failure(let failure): return .failure(failure)
                }
            } catch {
                return .failure(error)
            }
        }
    }
}

/// A watch that was set: sees one event.
///
/// It lives on through lost connections: what happened meanwhile is told after reconnecting, and an event is never missed while
/// the session lives, except that a znode that was created *and* deleted while cut off goes unseen.
public final class Watch: Sendable {
    public let path: NodePath
    let id: WatchID
    private let session: Session
    private let outcome: Promise<Result<WatchEvent, RequestFailure>>

    fileprivate init(_ session: Session, _ path: NodePath, _ kind: Session.WatchKind) throws(RequestFailure) {
        self.path = path
        self.session = session
        let outcome = Promise<Result<WatchEvent, RequestFailure>>()
        self.outcome = outcome
        id = try session.reserveWatch(on: path, by: kind) { outcome.resolve($0) }
    }

    deinit {
        session.forgetWatch(id)
    }

    /// Waits for the event. Any number of tasks may wait, and wait again.
    ///
    /// - Throws: ``ZooKeeperError``: `sessionExpired` or `closed` when the session ends first, `cancelled` when the calling task
    ///   is cancelled (the watch stays).
    public func event() async throws(ZooKeeperError) -> WatchEvent {
        switch await outcome.valueUnlessCancelled() {
        case .success(let event): return event
        case .failure(let failure): throw failure.error(operation: "watch", path: path)
        case nil: throw ZooKeeperError(.cancelled, operation: "watch", path: path)
        }
    }
}
