import Locking
import Logging

/// The members of the ensemble and their addresses may change while a session lasts.
extension SessionKeeper {
    func resolve(_ servers: ConnectString) -> HostResolver.Answer {
        let answer = HostResolver.resolve(servers.servers)
        for (server, reason) in answer.failures {
            logger.warning("host not found", metadata: ["host": "\(server.host)", "reason": "\(reason)"])
        }
        return answer
    }

    /// Connects to these members from now on. The connection is kept if its server is among them, or moved for balance.
    func update(_ servers: ConnectString) async throws(ZooKeeperError) {
        let answer = Promise<HostResolver.Answer>()
        DetachedThread.start("zk-resolve") { answer.resolve(self.resolve(servers)) }
        let resolved = await answer.value()
        guard !resolved.addresses.isEmpty else {
            throw ZooKeeperError(.hostNotFound, operation: "update servers", detail: resolved.reasons)
        }
        let session = core.withLock { core in
            core.servers = servers
            return core.session
        }
        session?.carrier.bridge?.setHosts(resolved.list)
    }

    /// While a connection is lost, host names are looked up again: the servers may have moved to other addresses, as they do when
    /// a cluster manager starts them anew, and the session can only go on at the new ones.
    ///
    /// - Parameter epoch: the number of the connection that was lost, 0 before the first; whoever looks for a later one does so alone.
    func lookAgain(_ session: Session, epoch: UInt64) {
        TimerThread.shared.schedule(at: .now + max(.seconds(1), session.timeout / 6)) { [weak self, weak session] in
            guard let self, let session, session.hasLostConnection(epoch) else { return }
            DetachedThread.start("zk-resolve") {
                let answer = self.resolve(self.servers)
                if session.hasLostConnection(epoch), !answer.addresses.isEmpty {
                    session.carrier.bridge?.setHosts(answer.list)
                }
                self.lookAgain(session, epoch: epoch)
            }
        }
    }

    /// A second handle for a session that exists.
    func session(
        takingOver identity: Bridge.Identity, observer: @escaping @Sendable (Session, Session.Event) -> Void
    ) throws(ZooKeeperError) -> Session {
        let bridge = try bridge(resolve(servers), identity: identity)
        return try Session(
            over: .bridge(bridge), timeout: configuration.sessionTimeout, logger: logger, observer: observer)
    }

    func bridge(_ answer: HostResolver.Answer, identity: Bridge.Identity? = nil) throws(ZooKeeperError) -> Bridge {
        try Bridge(
            Bridge.Endpoint(
                hosts: answer.list, chroot: Chroot(servers.chroot), tls: configuration.tls, identity: identity),
            log: logOutlet)
    }
}

extension Session {
    /// There is no connection, and has been none since that one.
    fileprivate func hasLostConnection(_ epoch: UInt64) -> Bool {
        (link == .suspended || link == .connecting) && self.epoch == epoch
    }
}
