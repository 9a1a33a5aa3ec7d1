import ZooKeeper

extension ProcessTurns {
    // Not inlined: the frame of every acquire, of which ten thousand may wait, would have room for what only this one needs (two kilobytes).

    /// See ``DistributedLock/acquire(timeout:onPosition:file:line:)``.
    ///
    /// - Parameter entrance: of the lock that is asked; it may have a longest hold of its own.
    @inline(never) func acquire(
        _ entrance: QueueEntrance, timeout: Duration?, onPosition: (@Sendable (QueuePosition) -> Void)?, file: String,
        line: Int
    ) async throws(LockError) -> Lease {
        try entrance.check(timeout)
        if Task.isCancelled { throw .cancelled(entrance.path) }
        if let turn = take() {
            onPosition?(turn.contender.position(ahead: 0))
            if let limit = entrance.options.maximumHold { turn.limitHold(to: limit) }
            return Lease(turn, file: file, line: line)
        }
        return try await wait(entrance, timeout, onPosition, file, line)
    }

    /// See ``DistributedLock/tryAcquire(file:line:)``.
    @inline(never) func tryAcquire(_ entrance: QueueEntrance, file: String, line: Int) async throws(LockError) -> Lease?
    {
        do throws(LockError) {
            return try await acquire(entrance, timeout: .zero, onPosition: nil, file: file, line: line)
        } catch {
            if case .timedOut = error { return nil }
            throw error
        }
    }

    private func wait(
        _ entrance: QueueEntrance, _ timeout: Duration?, _ onPosition: (@Sendable (QueuePosition) -> Void)?,
        _ file: String, _ line: Int
    ) async throws(LockError) -> Lease {
        let waiter = TurnWaiter(maximumHold: entrance.options.maximumHold, onPosition: onPosition)
        if let ahead = ask(waiter, mayWait: timeout != .zero) {
            throw .timedOut(entrance.path, ahead: ahead, holder: nil)
        }
        if let limit = timeout == .zero ? entrance.client.configuration.requestTimeout : timeout {
            let due = ContinuousClock.now + limit.bounded
            waiter.waits(
                until: TimerThread.shared.schedule(at: due) { [weak self, weak waiter] in
                    if let waiter { self?.leave(waiter, .timedOut) }
                })
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter.wait($0) }
        } onCancel: {
            leave(waiter, .cancelled)
        }
        switch waiter.outcome {
        case .granted(let turn): return Lease(turn, file: file, line: line)
        case .left(let departure, let ahead): throw await error(departure, ahead)
        case .departed(let departure, let contender): throw await error(departure, contender)
        case nil: throw .cancelled(entrance.path)
        }
    }

    /// Of one who left while others of this process go on waiting.
    private func error(_ departure: QueueMachine.Departure, _ localAhead: Int) async -> LockError {
        guard departure == .timedOut else { return .cancelled(entrance.path) }
        if let node = heldNode {
            let owner = Owner.current(
                label: entrance.options.label, payload: entrance.options.payload, takesTurns: true)
            return .timedOut(entrance.path, ahead: localAhead, holder: Holder(node: node, owner: owner))
        }
        guard let contender = entering, let look = contender.lastLook else {
            return .timedOut(entrance.path, ahead: nil, holder: nil)
        }
        let holder = await contender.holder(look, entrance.path)
        return .timedOut(entrance.path, ahead: look.count + localAhead, holder: holder)
    }

    /// Of those whose entry has come to nothing.
    private func error(_ departure: QueueMachine.Departure, _ contender: Contender) async -> LockError {
        guard contender.departure == nil else { return await contender.error() }
        // It was granted when nobody wanted it any more.
        await contender.release()
        return departure == .timedOut ? .timedOut(entrance.path, ahead: 0, holder: nil) : .cancelled(entrance.path)
    }
}
