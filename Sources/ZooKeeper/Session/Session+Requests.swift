import Locking

extension Session {
    /// Sends `request`; `handler` runs exactly once, on a thread of the C client or on the timer thread, or on this one when
    /// the request cannot be made. What is wrong with the request itself is found here, before C sees it.
    package func submit(
        _ request: Request,
        deadline: ContinuousClock.Instant,
        handler: @escaping @Sendable (RequestResult) -> Void
    ) {
        let deadline = Uptime(deadline)
        if let flaw = request.flaw {
            disappoint(core.withLock { core in request.watch.map { core.watches.withdraw($0) } ?? [] })
            return handler(.failure(RequestFailure(flaw.code, detail: flaw.detail)))
        }
        let entered = core.withLock { core -> Entered in
            if case .ended(let code) = core.link { return .refused(RequestFailure(code, wasNeverSent: true)) }
            let isSent = core.link == .connected
            let id = core.requests.insert(
                RequestTable.Entry(
                    completion: .handler(handler), deadline: deadline, isWrite: request.isWrite, isSent: isSent,
                    watch: request.watch))
            return self.entered(request, id, deadline, isSent, &core)
        }
        switch entered {
        case .sent(let id): hand(request, id)
        case .parked: break
        case .refused(let failure, _): handler(.failure(failure))
        }
    }

    private enum Entered {
        case sent(RequestID)
        case parked
        /// Others counted on its watch.
        case refused(RequestFailure, followers: [WatchTable.Answer] = [])
    }

    private func entered(
        _ request: Request, _ id: RequestID, _ deadline: Uptime, _ isSent: Bool, _ core: inout Core
    ) -> Entered {
        armSweep(deadline, &core)
        if isSent { return .sent(id) }
        core.parked.append((id, request))
        return .parked
    }

    /// Sends `request` and waits for the answer. A cancelled caller gets ``ZooKeeperError/Code/cancelled`` at once; what was
    /// sent may be executed all the same. The caller has checked the request.
    package func perform(_ request: Request, deadline: ContinuousClock.Instant) async -> RequestResult {
        let id = core.withLock { $0.requests.reserve() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                enter(request, id, Uptime(deadline), continuation)
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func enter(
        _ request: Request,
        _ id: RequestID,
        _ deadline: Uptime,
        _ continuation: UnsafeContinuation<RequestResult, Never>
    ) {
        let entered = core.withLock { core -> Entered in
            let isSent = core.link == .connected
            let entry = RequestTable.Entry(
                completion: .continuation(continuation), deadline: deadline, isWrite: request.isWrite, isSent: isSent,
                watch: request.watch)
            guard core.requests.enter(id, entry) else {
                return .refused(
                    RequestFailure(.cancelled), followers: request.watch.map { core.watches.withdraw($0) } ?? [])
            }
            if case .ended(let code) = core.link {
                _ = core.requests.remove(id)
                return .refused(RequestFailure(code, wasNeverSent: true))
            }
            return self.entered(request, id, deadline, isSent, &core)
        }
        switch entered {
        case .sent(let id): hand(request, id)
        case .parked: break
        case .refused(let failure, let followers):
            continuation.resume(returning: .failure(failure))
            disappoint(followers)
        }
    }

    private func cancel(_ id: RequestID) {
        let (entry, followers) = core.withLock { core in
            let entry = core.requests.cancel(id)
            return (entry, entry.map { lostInterest($0, &core) } ?? [])
        }
        disappoint(followers)
        guard let entry else { return }
        entry.completion(.failure(RequestFailure(.cancelled, outcomeIsUnknown: entry.isWrite && entry.isSent)))
    }

    /// - Returns: those who counted on its watch, if it was not sent.
    private func lostInterest(_ entry: RequestTable.Entry, _ core: inout Core) -> [WatchTable.Answer] {
        guard let watch = entry.watch else { return [] }
        guard entry.isSent else { return core.watches.withdraw(watch) }
        core.watches.forget(watch)
        return []
    }

    private func disappoint(_ followers: [WatchTable.Answer]) {
        for answer in followers { answer(.failure(RequestFailure(.requestTimedOut, wasNeverSent: true))) }
    }

    /// Hands over what waited for the connection, in order; what is submitted meanwhile waits behind it. Then the link counts as
    /// connected.
    ///
    /// - Returns: the number of the connection; `nil` when the session has ended.
    func openLink(id: Int64, timeout: Duration, server: String?) -> UInt64? {
        while true {
            let (parked, epoch) = core.withLock { core -> ([(id: RequestID, request: Request)], UInt64?) in
                if case .ended = core.link { return ([], nil) }
                core.id = id
                core.timeout = timeout
                let parked = core.parked.filter { core.requests.markSent($0.id) }
                core.parked = []
                guard parked.isEmpty else { return (parked, nil) }
                core.link = .connected
                core.server = server
                core.epoch += 1
                core.lease.connected(timeout: timeout)
                core.watches.connectionChanged()
                // The handshake counts with the first proof: at once, where something is at stake.
                core.lease.lastQuestion = .now
                core.lease.lastProof = nil
                armUpkeep(&core)
                return ([], core.epoch)
            }
            if parked.isEmpty { return epoch }
            for (index, (id, request)) in parked.enumerated() where !hand(request, id) {
                // The handle is of no use any more, or not yet again; either news comes on this very thread.
                core.withLock { core in
                    for (id, request) in parked[(index + 1)...] where core.requests.unmarkSent(id) {
                        core.parked.append((id, request))
                    }
                }
                return nil
            }
        }
    }

    /// Says whether the transport is of use. What it does not take waits until the news of that arrives.
    @discardableResult
    private func hand(_ request: Request, _ id: RequestID) -> Bool {
        guard let refusal = carrier.submit(request, id) else { return true }
        guard refusal.code == .sessionExpired || refusal.code == .closed else {
            complete(id, .failure(refusal))
            return true
        }
        let isOver = core.withLock { core in
            if case .ended = core.link { return true }
            if core.requests.unmarkSent(id) { core.parked.append((id, request)) }
            return false
        }
        if isOver { complete(id, .failure(refusal)) }
        return false
    }

    /// The transport has the answer.
    package func complete(_ id: RequestID, _ result: Result<Reply, Refusal>) {
        let (entry, followers) = core.withLock { core -> (RequestTable.Entry?, [WatchTable.Answer]) in
            let failure: ZooKeeperError.Code? = if case .failure(let refusal) = result { refusal.code } else { nil }
            switch core.requests.remove(id) {
            case .entry(let entry):
                let followers = entry.watch.map { core.watches.settle($0, failure: failure) } ?? []
                if failure.map(\.isAnswer) ?? true {
                    core.lease.clock.answered(
                        from: entry.start, to: .now, isProof: entry.isWrite && failure == nil)
                }
                return (entry, followers)
            case .watch(let watch):
                return (nil, core.watches.settle(watch, failure: failure))
            case nil:
                return (nil, [])
            }
        }
        if let entry { entry.completion(result.mapError { entry.failure($0) }) }
        for answer in followers { answer(result.map { _ in }.mapError { RequestFailure($0.code) }) }
    }

    // MARK: Deadlines

    /// Deadlines of requests are rarely reached and nearly always in order, so one timer for the session, set when it is not
    /// running, does for all.
    private func armSweep(_ deadline: Uptime, _ core: inout Core) {
        if let sweep = core.sweep {
            guard deadline < sweep.due else { return }
            TimerThread.shared.cancel(sweep.id)
        }
        let id = TimerThread.shared.schedule(at: deadline.instant) { [weak self] in self?.sweepOverdue() }
        core.sweep = (id, deadline)
    }

    private func sweepOverdue() {
        let (overdue, followers) = core.withLock { core in
            core.sweep = nil
            let overdue = core.requests.removeOverdue(at: .now)
            let followers = overdue.flatMap { lostInterest($0, &core) }
            core.parked.removeAll { !core.requests.contains($0.id) }
            if let next = core.requests.earliestDeadline { armSweep(next, &core) }
            return (overdue, followers)
        }
        disappoint(followers)
        for entry in overdue {
            entry.completion(.failure(entry.failure(Refusal(code: .requestTimedOut, mayBeExecuted: true))))
        }
    }
}

extension RequestTable.Entry {
    /// What the failure means for the one who made the request.
    func failure(_ refusal: Refusal) -> RequestFailure {
        RequestFailure(
            refusal.code, outcomeIsUnknown: isWrite && isSent && refusal.mayBeExecuted, wasNeverSent: !isSent,
            failedOperation: refusal.failedOperation, detail: refusal.detail)
    }
}

extension Request {
    /// A read, for which a second answer is as good as the first.
    var mayRepeat: Bool {
        switch self {
        case .get, .exists, .children, .getACL, .sync: true
        case .create, .delete, .set, .setACL, .commit, .authenticate: false
        }
    }

    var isWrite: Bool {
        switch self {
        case .create, .delete, .set, .setACL, .commit: true
        case .get, .exists, .children, .getACL, .sync, .authenticate: false
        }
    }

    var watch: WatchID? {
        switch self {
        case .get(_, let watch), .exists(_, let watch), .children(_, let watch): watch
        case .create, .delete, .set, .getACL, .setACL, .sync, .authenticate, .commit: nil
        }
    }
}
