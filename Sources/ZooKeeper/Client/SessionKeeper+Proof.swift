import Locking

/// A session counts as connected when a server has answered in it.
extension SessionKeeper {
    /// Anything can accept a connection and send bytes that the C client takes for ZooKeeper's; a missing chroot shows in every
    /// answer and in no event. So a session counts as connected when the root was read.
    func probe(_ session: Session, epoch: UInt64) {
        // A silent connection breaks within the session timeout; that is not for the user's requests to decide.
        session.submit(.exists(.root, watch: nil), deadline: .now + session.timeout) {
            [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                prove(session)
                first.resolve(.success(()))
            case .failure(let failure) where failure.code == .noNode:
                failFirst(
                    ZooKeeperError(
                        .chrootMissing, operation: "connect", path: servers.chroot,
                        detail:
                            "create it with a client of '\(servers.servers.map(\.description).joined(separator: ","))'")
                )
                prove(session)
            case .failure:
                // If the connection broke, the next one is probed. If not, the server was too busy.
                TimerThread.shared.schedule(at: .now + .seconds(1)) { [weak self, weak session] in
                    guard let self, let session, session.epoch == epoch, session.link == .connected else { return }
                    if core.withLock({ $0.proven !== session }) { probe(session, epoch: epoch) }
                }
            }
        }
    }

    private func prove(_ session: Session) {
        // Answers may overtake the thread that opened the session, and whoever is told "connected" will look for it.
        adopt(session)
        core.withLock { core in
            core.proven = session
            core.refusals = 0
            core.lostConnections = 0
        }
        advance(to: .connected, session)
    }
}
