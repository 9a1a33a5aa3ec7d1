import Locking
import ZooKeeper

/// What a contender does for a process whose tasks share it.
extension Contender {
    enum Report: Sendable {
        case settled(Outcome)
        /// Somebody asks it to give up the lock.
        case revoked
    }

    /// Has `continuation` told of what happens to the lease from now on, and of a request to give up that came before.
    ///
    /// - Returns: for ``stopTelling(_:)``.
    func tell(_ continuation: AsyncStream<LeaseEvent>.Continuation) -> Int {
        core.withLock { core in
            if let request = core.holding?.revocation { continuation.yield(.revocationRequested(request)) }
            return core.hold().listeners.add(continuation)
        }
    }

    func stopTelling(_ key: Int) { core.withLock { $0.holding?.listeners.remove(key) } }

    /// Where it stood when it last looked; `nil` before that.
    var lastLook: QueueView.Ahead? { core.withLock { $0.machine.lastLook } }

    /// That of one who has so many ahead in this process, which holds. Which turn it will have is not known.
    func position(ahead: Int) -> QueuePosition {
        let czxid = core.withLock { $0.holding?.own?.czxid } ?? 0
        return QueuePosition(node: node, fencingToken: FencingToken(rawValue: czxid), ahead: ahead, predecessor: nil)
    }

    /// Its session, if it has entered.
    var session: Session? { core.withLock { $0.session } }
}

extension Contender {
    /// Why it was not granted.
    var departure: QueueMachine.Departure? {
        if case .departed(let departure, _) = core.withLock({ $0.holding?.outcome }) { departure } else { nil }
    }
}
