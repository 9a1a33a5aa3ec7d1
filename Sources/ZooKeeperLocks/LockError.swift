public import ZooKeeper

/// Why a lock was not obtained, or not kept.
public indirect enum LockError: Error, Hashable, Sendable {
    /// The lock was not obtained in time. `ahead` contenders were in front at the last look, the first of them `holder`; both are
    /// `nil` when there was no answer to be had at all. Nothing is left in the queue.
    case timedOut(NodePath, ahead: Int?, holder: Holder?)
    /// The calling task was cancelled before the lock was obtained. Nothing is left in the queue.
    case cancelled(NodePath)
    /// The lock was obtained and then lost before it was released. Work done under this token since then may clash with that of the
    /// next holder.
    case lost(NodePath, LossReason, token: FencingToken)
    /// The lock was released already; whoever asks has no right to go on.
    case released(NodePath)
    /// Nobody was waited for, as the wait could not end: the calling task, or the one that it was started by, holds the lock itself.
    case wouldDeadlock(NodePath, String)
    /// The path belongs to a semaphore of `found` permits, or to none at all (`nil`), and not to one of `expected`. Nothing is left in the
    /// queue. All who use a semaphore have to name the same number; to change it, delete the path when nobody uses it.
    case permitsDisagree(NodePath, expected: Int, found: Int?)
    /// The path belongs to stripes that are laid out as `found`, or to none at all (`nil`), and not as `expected`. Nothing is left in the
    /// queues. All who use a ``StripedLock`` have to name the same number; to change it, delete the path when nobody uses it.
    case stripesDisagree(NodePath, expected: StripeLayout, found: StripeLayout?)
    /// Nobody in the queue has that token: whoever had it has gone. `holder` has the lock now.
    case noContender(NodePath, token: FencingToken, holder: QueueEntry?)
    /// That contender cannot be asked to give up: its library would not tell it.
    case notRevocable(NodePath, Holder)
    /// ZooKeeper refused, or could not be reached.
    case session(ZooKeeperError)
}

/// Who holds a lock, or is the next to.
public struct Holder: Hashable, Sendable, CustomStringConvertible {
    /// Its znode. One that was made by hand, and not as ephemeral, stays until it is deleted by hand.
    public var node: NodePath
    /// Its record, where there is one that could be read in time.
    public var owner: Owner?

    public init(node: NodePath, owner: Owner?) {
        self.node = node
        self.owner = owner
    }

    public var description: String { (owner.map { "\($0), " } ?? "") + node.string }
}

/// How a lock was lost.
public enum LossReason: Hashable, Sendable {
    /// The ensemble had heard nothing from the session for its timeout, and deleted the lock's znode.
    case sessionExpired
    /// The ensemble could not be made to confirm the session in time: the lock may be somebody else's by now.
    case leaseExpired
    /// Somebody deleted the lock's znode.
    case nodeDeleted
    /// It was held for longer than ``DistributedLock/Options/maximumHold``.
    case heldTooLong
    /// The client was closed while the lock was held.
    case clientClosed
    /// The session ended in another way.
    case sessionEnded(ZooKeeperError.Code)

    init(_ code: ZooKeeperError.Code) {
        switch code {
        case .sessionExpired: self = .sessionExpired
        case .closed: self = .clientClosed
        default: self = .sessionEnded(code)
        }
    }
}

extension LockError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .timedOut(let path, let ahead, let holder):
            "lock \(path): not obtained in time; " + (ahead.map { "\($0) ahead" } ?? "ZooKeeper did not answer")
                + (holder.map { "; held by \($0)" } ?? "")
        case .cancelled(let path): "lock \(path): the wait was cancelled"
        case .lost(let path, let reason, let token): "lock \(path): lost (\(reason)) while held with token \(token)"
        case .released(let path): "lock \(path): released already"
        case .wouldDeadlock(let path, let detail): "lock \(path): \(detail)"
        case .permitsDisagree(let path, let expected, let found):
            "semaphore \(path): asked for one of \(expected) permits, but "
                + (found.map { "it has \($0)" } ?? "this path is not a semaphore's")
                + ": name the same number everywhere, "
                + "or delete the path when nobody uses it"
        case .stripesDisagree(let path, let expected, let found):
            "striped lock \(path): asked for one of \(expected), but "
                + (found.map { "it has \($0)" } ?? "this path is not a striped lock's")
                + ": name the same number everywhere, or delete the path when nobody uses it"
        case .noContender(let path, let token, let holder):
            "lock \(path): nobody here has token \(token); "
                + (holder.map { "it is held with token \($0.fencingToken) by \($0)" } ?? "it is free")
        case .notRevocable(let path, let holder):
            "lock \(path): \(holder) cannot be asked to give up: the library that it uses would not tell it"
        case .session(let error): "\(error)"
        }
    }
}
