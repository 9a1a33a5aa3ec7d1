extension Session {
    /// Sends `request`; `handler` runs exactly once, on a thread of the C client or on the timer thread, or on this one when
    /// the request cannot be made.
    package func submit(
        _ request: Request,
        deadline: ContinuousClock.Instant,
        handler: @escaping @Sendable (RequestResult) -> Void
    ) {
        let entry = { (offlineSince: UInt64?) in
            RequestTable.Entry(
                completion: .handler(handler), deadline: deadline, isWrite: request.isWrite, offlineSince: offlineSince,
                watch: request.watch)
        }
        let entered = core.withLock { core -> Result<RequestID, RequestFailure> in
            if case .ended(let code) = core.link { return .failure(RequestFailure(code)) }
            let id = core.requests.insert(entry(core.link == .connected ? nil : core.epoch))
            armSweep(deadline, &core)
            return .success(id)
        }
        switch entered {
        case .success(let id): hand(request, id)
        case .failure(let failure): handler(.failure(failure))
        }
    }

    /// Sends `request` and waits for the answer. A cancelled caller gets ``ZooKeeperError/Code/cancelled`` at once; what was
    /// sent may be executed all the same.
    func perform(_ request: Request, deadline: ContinuousClock.Instant) async -> RequestResult {
        let id = core.withLock { $0.requests.reserve() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                enter(request, id, deadline, continuation)
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func enter(
        _ request: Request,
        _ id: RequestID,
        _ deadline: ContinuousClock.Instant,
        _ continuation: UnsafeContinuation<RequestResult, Never>
    ) {
        let failure = core.withLock { core -> RequestFailure? in
            let entry = RequestTable.Entry(
                completion: .continuation(continuation), deadline: deadline, isWrite: request.isWrite,
                offlineSince: core.link == .connected ? nil : core.epoch, watch: request.watch)
            guard core.requests.enter(id, entry) else { return RequestFailure(.cancelled) }
            if case .ended(let code) = core.link {
                _ = core.requests.remove(id)
                return RequestFailure(code)
            }
            armSweep(deadline, &core)
            return nil
        }
        if let failure {
            continuation.resume(returning: .failure(failure))
        } else {
            hand(request, id)
        }
    }

    private func cancel(_ id: RequestID) {
        let entry = core.withLock { core in
            let entry = core.requests.cancel(id)
            if let watch = entry?.watch { core.watches.forget(watch) }
            return entry
        }
        guard let entry else { return }
        entry.completion(.failure(RequestFailure(.cancelled, outcomeIsUnknown: entry.isWrite)))
    }

    private func hand(_ request: Request, _ id: RequestID) {
        if let refusal = bridge.submit(request, id) { complete(id, .failure(refusal)) }
    }

    /// The transport has the answer.
    func complete(_ id: RequestID, _ result: Result<Reply, Bridge.Refusal>) {
        let completed = core.withLock { core -> (RequestTable.Entry, epoch: UInt64)? in
            guard let entry = core.requests.remove(id) else { return nil }
            if let watch = entry.watch {
                switch result {
                case .success: break
                case .failure(let refusal): _ = core.watches.settle(watch, failure: refusal.code)
                }
            }
            return (entry, core.epoch)
        }
        guard let (entry, epoch) = completed else { return }
        entry.completion(result.mapError { entry.failure($0, epoch: epoch) })
    }

    // MARK: Deadlines

    /// Deadlines of requests are rarely reached and nearly always in order, so one timer for the session, set when it is not
    /// running, does for all.
    private func armSweep(_ deadline: ContinuousClock.Instant, _ core: inout Core) {
        if let sweep = core.sweep {
            guard deadline < sweep.due else { return }
            TimerThread.shared.cancel(sweep.id)
        }
        let id = TimerThread.shared.schedule(at: deadline) { [weak self] in self?.sweepOverdue() }
        core.sweep = (id, deadline)
    }

    private func sweepOverdue() {
        let overdue = core.withLock { core in
            core.sweep = nil
            let overdue = core.requests.removeOverdue(at: .now)
            for entry in overdue { if let watch = entry.watch { core.watches.forget(watch) } }
            if let next = core.requests.earliestDeadline { armSweep(next, &core) }
            return (entries: overdue, epoch: core.epoch)
        }
        for entry in overdue.entries {
            let refusal = Bridge.Refusal(code: .requestTimedOut, mayBeExecuted: true)
            entry.completion(.failure(entry.failure(refusal, epoch: overdue.epoch)))
        }
    }
}

extension RequestTable.Entry {
    /// What the failure means for the one who made the request.
    func failure(_ refusal: Bridge.Refusal, epoch: UInt64) -> RequestFailure {
        let wasNeverSent = offlineSince == epoch
        return RequestFailure(
            refusal.code, outcomeIsUnknown: isWrite && refusal.mayBeExecuted && !wasNeverSent,
            failedOperation: refusal.failedOperation, detail: refusal.detail)
    }
}

extension Request {
    var isWrite: Bool {
        switch self {
        case .create, .delete, .set, .commit: true
        case .get, .exists, .children: false
        }
    }

    var watch: WatchID? {
        switch self {
        case .get(_, let watch), .exists(_, let watch), .children(_, let watch): watch
        case .create, .delete, .set, .commit: nil
        }
    }
}
