import Locking
import Logging
import ZooKeeper

/// How a batch is kept, and lost.
extension ClaimedBatch {
    /// From now on the session proves itself, and tells how it goes. Not before the lease is confirmed: until then there is nothing to lose,
    /// and the end of a lease of before would be taken for that of this one.
    func keep() {
        guard !claimed.isEmpty else { return }
        let (observer, link) = session.observe { [weak self] in self?.sessionChanged($0) }
        core.withLock { $0.observer = observer }
        for index in claimed.indices {
            let stake = session.addStake(on: claimed[index].paths.mark) { [weak self] end in
                switch end {
                case .leaseEnded: self?.lose(.leaseExpired)
                case .nodeIsGone: self?.loseItem(index)
                }
            }
            core.withLock { $0.stakes[index] = stake }
        }
        // It may have ended before the observer was there.
        if case .ended(let code) = link { lose(LossReason(code)) }
        if let limit = recipe.options.maximumHold { limitHold(to: limit) }
    }

    private func sessionChanged(_ event: Session.Event) {
        switch event {
        case .connected: core.withLock { $0.listeners }.tell(.restored)
        case .suspended: core.withLock { $0.listeners }.tell(.suspended)
        case .ended(let code): lose(LossReason(code))
        }
    }

    /// Waits until the session may be believed to live, with time left to begin something.
    ///
    /// - Returns: why the batch cannot be had.
    func confirm(by deadline: ContinuousClock.Instant) async -> RequestFailure? {
        guard let first = claimed.first else { return nil }
        while !session.standing.isValid(at: .now) {
            if case .ended(let code) = session.link { return RequestFailure(code) }
            let limit = min(deadline, .now + session.timeout)
            let result = await session.perform(.commit([.check(first.paths.mark, version: nil)]), deadline: limit)
            if case .failure(let failure) = result, !failure.passes || .now >= deadline { return failure }
            if session.standing.isValid(at: .now) { break }
            guard ContinuousClock.now < deadline else { return RequestFailure(.requestTimedOut) }
            do {
                try await Task.sleep(for: session.timeout / 12)
            } catch {
                return RequestFailure(.cancelled)
            }
        }
        return nil
    }

    /// Whether the batch is lost by now, whether or not anybody has been told.
    func lossByNow() -> LossReason? {
        let (loss, isOver) = core.withLock { ($0.loss, $0.isOver) }
        if loss != nil || isOver { return loss }
        guard ContinuousClock.now >= validUntil else { return nil }
        // What was seen to be over stays over, for everybody.
        lose(.leaseExpired)
        return core.withLock { $0.loss } ?? .leaseExpired
    }

    private func lose(_ reason: LossReason) {
        let told = core.withLock { core -> (Listeners<ClaimEvent>, (@Sendable () -> Void)?)? in
            guard core.loss == nil, core.hasAny else { return nil }
            core.loss = reason
            for index in core.places.indices where core.places[index] == .held { core.places[index] = .lost(reason) }
            return (core.listeners, core.lossHandler)
        }
        guard let (listeners, handler) = told else { return }
        listeners.tell(.lost(reason))
        end()
        handler?()
    }

    private func loseItem(_ index: Int) {
        let told = core.withLock { core -> (Listeners<ClaimEvent>, isLast: Bool, (@Sendable () -> Void)?)? in
            guard core.places[index] == .held else { return nil }
            core.places[index] = .lost(.nodeDeleted)
            core.stakes[index] = nil
            if !core.hasAny { core.loss = .nodeDeleted }
            return (core.listeners, !core.hasAny, core.lossHandler)
        }
        guard let (listeners, isLast, handler) = told else { return }
        listeners.tell(.itemLost(items[index].id))
        guard isLast else { return }
        listeners.tell(.lost(.nodeDeleted))
        end()
        handler?()
    }

    /// Calls `handler` once when nothing is held any more that was not released; at once if that is so.
    func onLoss(_ handler: @escaping @Sendable () -> Void) {
        let isLost = core.withLock { core in
            core.lossHandler = handler
            return core.loss != nil
        }
        if isLost { handler() }
    }

    /// Tells nobody any more, and lets go of the session. The timer that takes the items away from somebody who is stuck goes on.
    func end() {
        let (observer, stakes, listeners) = core.withLock { core in
            defer {
                core.isOver = true
                (core.observer, core.stakes) = (nil, [:])
            }
            return (core.observer, core.stakes, core.listeners)
        }
        listeners.finish()
        if let observer { session.removeObserver(observer) }
        for stake in stakes.values { session.removeStake(stake) }
        // Whatever was lost and not released is still to be taken away.
        let timers = core.withLock { core -> [TimerThread.ID] in
            guard core.places.allSatisfy({ $0 == .released }) else { return [] }
            defer { core.holdTimers = [] }
            return core.holdTimers
        }
        for timer in timers { TimerThread.shared.cancel(timer) }
    }

    /// As ``Contender/limitHold(to:)``.
    private func limitHold(to limit: Duration) {
        let limit = limit.bounded
        let end = ContinuousClock.now + limit
        let timers = [
            TimerThread.shared.schedule(at: end - limit / 10) { [weak self] in
                self?.core.withLock { $0.listeners }.tell(.holdEnds(end))
            },
            TimerThread.shared.schedule(at: end) { [weak self] in self?.lose(.heldTooLong) },
            TimerThread.shared.schedule(at: end + limit / 10) { [weak self] in self?.takeAway(limit) },
        ]
        core.withLock { $0.holdTimers = timers }
    }

    private func takeAway(_ limit: Duration) {
        let rest = core.withLock { core in
            core.isTakenAway = true
            return core.places.indices.filter { core.places[$0] != .released }
        }
        guard !rest.isEmpty else { return }
        ClaimRemoval.start(rest.map { removal(of: $0, cleanly: false) })
        let logger = recipe.client.configuration.logger
        let path = path
        // A log handler may block, and this thread ends other leases in time.
        DetachedThread.start("zk-log") {
            logger.error(
                "a batch was held for too long by an owner that did not stop: it is given away",
                metadata: ["path": "\(path)", "items": "\(rest.count)", "limit": "\(limit)"])
        }
    }
}

extension RequestFailure {
    /// The same request may be made again in the same session.
    fileprivate var passes: Bool {
        switch code {
        case .connectionLost, .requestTimedOut, .throttled, .sessionMoved, .notReadOnly: true
        default: false
        }
    }
}
