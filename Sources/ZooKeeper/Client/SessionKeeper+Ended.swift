import Locking
import Logging

/// Sessions end; the client goes on with the next one.
extension SessionKeeper {
    func ended(_ session: Session, _ code: ZooKeeperError.Code) {
        guard code != .closed else { return }
        let goesOn = core.withLock { core in
            guard broadcast.state != .closed else { return false }
            if core.session === session {
                core.session = nil
            }
            if core.proven === session { core.proven = nil }
            core.ending.removeAll { $0.closed.current != nil }
            core.ending.append(session)
            return true
        }
        guard goesOn else { return }
        switch code {
        case .sessionExpired:
            logger.warning("session expired; opening a new one", metadata: ["session": .string(session.id.hexadecimal)])
            broadcast.publish(.expired)
            broadcast.publish(.connecting)
            if core.withLock({ $0.lostConnections >= Self.patience }) { return retry(after: pauseAfterRefusal()) }
            DetachedThread.start("zk-open") { self.open(retryAfter: .milliseconds(100)) }
        case .authenticationFailed:
            broadcast.publish(.authenticationFailed)
            refused(ZooKeeperError(code, operation: "connect"))
        default:
            broadcast.publish(.connecting)
            refused(
                ZooKeeperError(
                    code, operation: "connect",
                    detail: "what answers at \(servers) speaks another protocol; is it the right port?"))
        }
    }

    /// Tries again, ever more slowly: what answers there is of no use, and nobody knows for how long.
    private func refused(_ error: ZooKeeperError) {
        logger.warning("no session", metadata: ["error": "\(error)"])
        failFirst(error)
        retry(after: pauseAfterRefusal())
    }

    private func pauseAfterRefusal() -> Duration {
        core.withLock { core in
            core.lostConnections = 0
            core.refusals += 1
            return .seconds(1 << min(core.refusals - 1, 3))
        }
    }

    private static let patience = 10

    /// A connection was lost. Says whether the session has had many, and never an answer: there is nothing in it to lose.
    func isFutile(_ session: Session) -> Bool {
        core.withLock { core in
            guard core.proven !== session else { return false }
            core.lostConnections += 1
            return core.lostConnections >= Self.patience
        }
    }
}

extension Int64 {
    fileprivate var hexadecimal: String { "0x" + String(UInt64(bitPattern: self), radix: 16) }
}
