import Logging
public import ZooKeeper

/// A lock that was obtained, until it is released or lost.
///
/// A lease that is dropped without ``release()`` is given back in the background, with one warning that names the place of its
/// acquire.
public final class Lease: Sendable {
    /// Larger than that of every earlier holder of this lock: hand it to whatever the lock protects.
    public let fencingToken: FencingToken
    /// The znode that stands for this lease.
    public let node: NodePath

    let contender: Contender
    private let origin: (file: String, line: Int)

    init(_ own: QueueMachine.Own, of contender: Contender, file: String, line: Int) {
        fencingToken = FencingToken(rawValue: own.czxid)
        node = contender.path.appending(unchecked: own.name)
        self.contender = contender
        origin = (file, line)
    }

    deinit {
        let (loss, isReleased) = contender.state
        guard loss == nil, !isReleased else { return }
        contender.client.configuration.logger.warning(
            "a lease was dropped without release(); it is given back now",
            metadata: ["node": "\(node)", "acquired": "\(origin.file):\(origin.line)"])
        contender.requestRelease()
    }

    /// The path of the lock.
    public var path: NodePath { contender.path }

    /// Whether the lease is held, as far as this client knows.
    public var isHeld: Bool {
        let (loss, isReleased) = contender.state
        return loss == nil && !isReleased
    }

    /// For inner loops: no await, no I/O.
    ///
    /// - Throws: ``LockError/lost(_:_:token:)`` when the client knows that the lease was lost, ``LockError/released(_:)`` after a
    ///   release.
    public func checkHeld() throws(LockError) {
        let (loss, isReleased) = contender.state
        if let loss { throw .lost(path, loss, token: fencingToken) }
        if isReleased { throw .released(path) }
    }

    /// Gives the lock to the next contender. Never fails: if the removal of the znode cannot be confirmed within a second, because
    /// the connection is lost or slow, it goes on in the background until the znode is gone or the session is. May be called any
    /// number of times, by several tasks at once; the lock is released once. Not cut short by cancellation.
    public func release() async {
        await contender.release()
    }
}
