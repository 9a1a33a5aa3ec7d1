import ZooKeeper

/// What every recipe does: stand in a queue under a policy, wait, and hold a lease.
///
/// A class, so that all who stand in the queue share what is said of them.
final class QueueEntrance: Sendable {
    let path: NodePath
    let client: ZooKeeperClient
    let options: DistributedLock.Options
    let policy: QueuePolicy

    /// - Parameter operation: for errors: what the recipe is called.
    init(
        _ path: NodePath, client: ZooKeeperClient, options: DistributedLock.Options, policy: QueuePolicy,
        operation: String
    ) throws(ZooKeeperError) {
        try Self.check(path, options, roomForNames: 128, operation: operation)
        guard options.fairness == .strict || policy.claim == .exclusive else {
            throw ZooKeeperError(
                .invalidArgument, operation: operation, path: path,
                detail: "a \(operation) is strictly fair: tasks take turns with a lock only")
        }
        self.path = path
        self.client = client
        self.options = options
        self.policy = policy
    }

    /// What every recipe asks of its path and of what is said of its user.
    ///
    /// - Parameter roomForNames: how long the names of znodes below the path may get, in bytes.
    static func check(
        _ path: NodePath, _ options: DistributedLock.Options, roomForNames: Int, operation: String
    ) throws(ZooKeeperError) {
        func refuse(_ detail: String) -> ZooKeeperError {
            ZooKeeperError(.invalidArgument, operation: operation, path: path, detail: detail)
        }
        guard path != .root else { throw refuse("the root cannot be a \(operation): name a path below it") }
        guard path.string.utf8.count <= NodePath.maximumLength - roomForNames else {
            throw ZooKeeperError(
                .invalidPath, operation: operation, path: path,
                detail: "too long: names below it add up to \(roomForNames) bytes")
        }
        guard options.label?.utf8.count ?? 0 <= Owner.maximumLabelLength else {
            throw ZooKeeperError(
                .dataTooLarge, operation: operation, path: path,
                detail: "the label has more than \(Owner.maximumLabelLength) bytes")
        }
        guard options.payload?.count ?? 0 <= Owner.maximumPayloadLength else {
            throw ZooKeeperError(
                .dataTooLarge, operation: operation, path: path,
                detail: "the payload has more than \(Owner.maximumPayloadLength) bytes")
        }
        if let hold = options.maximumHold, hold < .seconds(1) {
            throw refuse("a maximum hold of \(hold): one second or more")
        }
        if let fault = options.fairness.fault { throw refuse(fault) }
        guard !options.acl.isEmpty else {
            throw ZooKeeperError(
                .invalidACL, operation: operation, path: path, detail: "the list of access rights is empty")
        }
    }

    /// The same with another policy.
    init(_ other: QueueEntrance, policy: QueuePolicy) {
        path = other.path
        client = other.client
        options = other.options
        self.policy = policy
    }

    /// See ``DistributedLock/acquire(timeout:onPosition:file:line:)``.
    func acquire(
        timeout: Duration?, onPosition: (@Sendable (QueuePosition) -> Void)?, file: String, line: Int
    ) async throws(LockError) -> Lease {
        let contender = try contender(timeout: timeout, onPosition: onPosition)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { contender.enter($0, within: timeout) }
        } onCancel: {
            contender.giveUp(.cancelled)
        }
        if let lease = contender.lease(file: file, line: line) { return lease }
        throw await contender.error()
    }

    /// Apart from ``acquire(timeout:onPosition:file:line:)``, whose frame would have room for all of this for as long as the wait takes.
    @inline(never) private func contender(
        timeout: Duration?, onPosition: (@Sendable (QueuePosition) -> Void)?
    ) throws(LockError) -> Contender {
        try check(timeout)
        return Contender(self, onlyIfAvailable: timeout == .zero, onPosition: onPosition)
    }

    func check(_ timeout: Duration?) throws(LockError) {
        guard let timeout, timeout < .zero else { return }
        throw .session(
            ZooKeeperError(
                .invalidArgument, operation: "acquire", path: path,
                detail: "a timeout of \(timeout): zero to try once, or more"))
    }

    /// See ``DistributedLock/tryAcquire(file:line:)``.
    func tryAcquire(file: String, line: Int) async throws(LockError) -> Lease? {
        do throws(LockError) {
            return try await acquire(timeout: .zero, onPosition: nil, file: file, line: line)
        } catch {
            if case .timedOut = error { return nil }
            throw error
        }
    }
}
