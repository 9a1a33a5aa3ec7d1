import Locking
internal import ZooKeeper

/// Carries the requests of one session to an ensemble in memory.
final class MemoryTransport: Transport {
    private let runtime: MemoryRuntime
    private let root: NodePath
    private let number: Int
    private let isClosed = Locked(false)

    init(_ runtime: MemoryRuntime, root: NodePath) {
        self.runtime = runtime
        self.root = root
        number = runtime.reserveNumber()
    }

    func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {
        let client = MemoryClient(session: session, root: root, timeout: timeout.milliseconds)
        let number = number
        runtime.schedule { $0.add(client, as: number) }
    }

    /// Its state is another thread's; "in doubt" is always right.
    var hasNoConnection: Bool { false }

    func submit(_ request: Request, _ id: RequestID) -> Refusal? {
        if isClosed.withLock({ $0 }) { return Refusal(code: .closed, mayBeExecuted: false) }
        if !request.isKnownToTheCClient { return Refusal(code: .unimplemented, mayBeExecuted: false) }
        let number = number
        runtime.schedule { $0.submit(request, id, from: number) }
        return nil
    }

    func close() {
        isClosed.withLock { $0 = true }
        let number = number
        // As with a server, the session's ephemeral znodes are gone when this returns.
        runtime.perform { $0.remove(number) }
    }
}

extension Request {
    /// In transactions the C client refuses a time to live by itself, and misreads the answer to a container, which aborts the
    /// process.
    fileprivate var isKnownToTheCClient: Bool {
        guard case .commit(let operations) = self else { return true }
        return operations.allSatisfy { operation in
            guard case .create(_, _, let mode, _) = operation else { return true }
            switch mode {
            case .container, .persistentWithTTL, .persistentSequentialWithTTL: return false
            case .persistent, .persistentSequential, .ephemeral, .ephemeralSequential: return true
            }
        }
    }
}
