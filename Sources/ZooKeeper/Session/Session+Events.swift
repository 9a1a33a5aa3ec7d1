import Locking
import Logging

extension Session {
    /// What the transport tells of the connection.
    package enum LinkChange: Hashable, Sendable {
        case connected(sessionID: Int64, timeout: Duration, server: String?)
        case disconnected
        case expired
        case authenticationFailed
        /// Read-only servers are never asked for, so this is a peer that is no ZooKeeper server.
        case readOnly
        case other(Int32)
    }

    /// A timeout that no server would agree to: a peer that speaks another protocol was taken for one.
    private static let longestTimeout = Duration.seconds(3600)

    /// The transport's news of the connection, in order with answers and watches.
    package func linkChanged(_ change: LinkChange) {
        switch change {
        case .connected(let id, let timeout, let server):
            guard timeout > .zero, timeout <= Self.longestTimeout else { return end(.notZooKeeper) }
            if let epoch = openLink(id: id, timeout: timeout, server: server) { notify(.connected(epoch: epoch)) }
        case .disconnected:
            let isNews = core.withLock { core in
                guard core.link == .connected else { return false }
                core.link = .suspended
                core.server = nil
                core.lease.clock.disconnected()
                core.watches.connectionChanged()
                for watch in core.vacancies.disconnected() { core.watches.forget(watch) }
                armUpkeep(&core)
                return true
            }
            if isNews { notify(.suspended) }
        case .expired: end(.sessionExpired)
        case .authenticationFailed: end(.authenticationFailed)
        case .readOnly: end(.notZooKeeper)
        case .other(let state): logger.warning("unknown session state", metadata: ["state": "\(state)"])
        }
    }

    // MARK: Watches

    package typealias WatchHandler = @Sendable (Result<WatchEvent, RequestFailure>) -> Void

    /// A place for a watch that the next request will carry. `handler` runs at most once.
    ///
    /// - Parameter child: the name of the path's child that is meant; empty for the path's own node.
    /// - Throws: ``ZooKeeperError/Code/tooManyWatches``, or why the session ended.
    package func reserveWatch(
        on path: NodePath, child: String = "", by request: WatchKind,
        handler: @escaping WatchHandler
    ) throws(RequestFailure) -> WatchID {
        try watch { $0.insert(path: path, child: child, list: request.list, handler: handler) }
    }

    package typealias WatchAnswer = @Sendable (Result<Void, RequestFailure>) -> Void

    package enum WatchProgress: Sendable {
        /// A request has to carry the watch.
        case unasked
        /// One that does is under way.
        case asked
        case set
    }

    /// The same for a watch by `get`, for whom it is enough that the znode is there and watched. If that is known in this connection, or is being
    /// asked already, no other request is needed: what has become of the znode since is told in order with everything else.
    ///
    /// An event may come on another thread before this returns ``WatchProgress/set``: whoever calls it has to take note of that first.
    ///
    /// - Parameter answer: of one that is ``WatchProgress/asked``: called once with the answer, in order with events. Not when the session ends.
    package func joinWatch(
        on path: NodePath, child: String, handler: @escaping WatchHandler, answer: @escaping WatchAnswer
    ) throws(RequestFailure) -> (id: WatchID, progress: WatchProgress) {
        try watch { $0.join(path: path, child: child, list: .data, handler: handler, answer: answer) }
    }

    private func watch<Place: Sendable>(_ place: @Sendable (inout WatchTable) -> Place?) throws(RequestFailure) -> Place
    {
        let placed = core.withLock { core -> Result<Place, RequestFailure> in
            if case .ended(let code) = core.link { return .failure(RequestFailure(code, wasNeverSent: true)) }
            guard let place = place(&core.watches) else {
                let detail =
                    "\(core.watches.count) watches of \(core.watches.bytes) bytes; use more clients, or shorter paths"
                return .failure(RequestFailure(.tooManyWatches, detail: detail))
            }
            return .success(place)
        }
        return try placed.get()
    }

    package enum WatchKind: Sendable {
        case get, exists, children

        var list: WatchTable.List {
            switch self {
            case .get: .data
            case .exists: .exists
            case .children: .children
            }
        }
    }

    /// Nobody waits for this watch any more. The server may still send it; it is ignored then.
    package func forgetWatch(_ id: WatchID) {
        core.withLock { $0.watches.forget(id) }
    }

    /// The transport has the event of a watch.
    package func fired(_ id: WatchID, _ event: WatchEvent) {
        let told = core.withLock { $0.watches.fired(id) }
        told.first?(.success(event))
        for handler in told.others { handler(.success(event)) }
    }
}
