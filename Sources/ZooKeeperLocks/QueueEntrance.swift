import ZooKeeper

/// What every recipe does: stand in a queue under a policy, wait, and hold a lease.
struct QueueEntrance: Sendable {
    let path: NodePath
    let client: ZooKeeperClient
    let options: DistributedLock.Options
    var policy: QueuePolicy

    /// - Parameter operation: for errors: what the recipe is called.
    init(
        _ path: NodePath, client: ZooKeeperClient, options: DistributedLock.Options, policy: QueuePolicy,
        operation: String
    ) throws(ZooKeeperError) {
        func refuse(_ detail: String) -> ZooKeeperError {
            ZooKeeperError(.invalidArgument, operation: operation, path: path, detail: detail)
        }
        guard path != .root else { throw refuse("the root cannot be a \(operation): name a path below it") }
        guard path.string.utf8.count <= NodePath.maximumLength - 128 else {
            throw ZooKeeperError(
                .invalidPath, operation: operation, path: path,
                detail: "too long: contenders' names add up to 128 bytes")
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
        guard !options.acl.isEmpty else {
            throw ZooKeeperError(
                .invalidACL, operation: operation, path: path, detail: "the list of access rights is empty")
        }
        self.path = path
        self.client = client
        self.options = options
        self.policy = policy
    }

    /// See ``DistributedLock/acquire(timeout:onPosition:file:line:)``.
    func acquire(
        timeout: Duration?, onPosition: (@Sendable (QueuePosition) -> Void)?, file: String, line: Int
    ) async throws(LockError) -> Lease {
        if let timeout, timeout < .zero {
            throw .session(
                ZooKeeperError(
                    .invalidArgument, operation: "acquire", path: path,
                    detail: "a timeout of \(timeout): zero to try once, or more"))
        }
        let onlyIfAvailable = timeout == .zero
        let contender = Contender(
            client: client, path: path, options: options, policy: policy, onlyIfAvailable: onlyIfAvailable,
            onPosition: onPosition)
        switch await wait(contender, timeout: onlyIfAvailable ? client.configuration.requestTimeout : timeout) {
        case .granted(let own):
            if let hold = options.maximumHold { contender.limitHold(to: hold) }
            return Lease(own, of: contender, file: file, line: line)
        case .departed(let departure, let view):
            throw await error(departure, view, onlyIfAvailable: onlyIfAvailable)
        }
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

    private func wait(_ contender: Contender, timeout: Duration?) async -> Contender.Outcome {
        let timer = timeout.map { timeout in
            // A century is as good as for ever, and instants can be computed with it.
            TimerThread.shared.schedule(at: .now + min(timeout, .seconds(3_155_760_000))) {
                contender.giveUp(.timedOut)
            }
        }
        defer { if let timer { TimerThread.shared.cancel(timer) } }
        return await withTaskCancellationHandler {
            contender.enter()
            return await contender.outcome.value()
        } onCancel: {
            contender.giveUp(.cancelled)
        }
    }

    private func error(
        _ departure: QueueMachine.Departure, _ view: QueueView?, onlyIfAvailable: Bool
    ) async -> LockError {
        switch departure {
        case .cancelled:
            return .cancelled(path)
        case .failed(let failure, let operation):
            return .session(failure.error(operation: operation, path: path))
        case .disagrees(let found):
            return .permitsDisagree(path, expected: policy.permits ?? 0, found: found)
        case .timedOut where onlyIfAvailable:
            return .session(
                ZooKeeperError(
                    .requestTimedOut, operation: "acquire", path: path,
                    detail: "no answer within \(client.configuration.requestTimeout)"))
        case .timedOut, .unavailable, .released:
            return .timedOut(path, ahead: view?.ahead, holder: onlyIfAvailable ? nil : await holder(view))
        }
    }

    /// Who stands at the head of the queue, if that can be learned soon: the caller's time is over.
    private func holder(_ view: QueueView?) async -> Holder? {
        guard let view, view.ahead > 0 else { return nil }
        let head = path.appending(unchecked: view.head.string)
        return Holder(node: head, owner: await client.data(of: head, within: .milliseconds(500)).flatMap(Owner.init))
    }
}
