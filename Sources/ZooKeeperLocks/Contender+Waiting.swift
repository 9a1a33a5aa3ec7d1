import Locking
import ZooKeeper

/// Those who wait: one task for the contender's turn, any number for the end of its release.
///
/// By bare continuations, and no more around them than there has to be: ten thousand may wait for their turn, each in a frame that stands for
/// as long as the wait.
extension Contender {
    struct Waiting {
        var turn: UnsafeContinuation<Void, Never>?
        /// When the wait is over at the latest.
        var timer: TimerThread.ID?
    }

    /// How long whoever gives up, or releases, waits for the clean-up while there is a connection.
    private static let patience = Duration.seconds(1)

    // MARK: The turn

    /// Enters the queue, and resumes `waiter` when it is known what comes of it.
    ///
    /// - Parameter timeout: zero to take what is free, or leave; the limit is how long a request may take then.
    @inline(never) func enter(_ waiter: UnsafeContinuation<Void, Never>, within timeout: Duration?) {
        let limit = timeout == .zero ? client.configuration.requestTimeout : timeout
        let isOver = core.withLock { core in
            guard core.holding?.outcome == nil else { return true }
            core.waiting.turn = waiter
            return false
        }
        if isOver { waiter.resume() } else if let limit { leave(within: limit) }
        // Also one that was given up before it began: so it comes to its end.
        enter()
    }

    private func leave(within limit: Duration) {
        let timer = TimerThread.shared.schedule(at: .now + limit.bounded) { [weak self] in
            self?.giveUp(.timedOut)
        }
        let isOver = core.withLock { core in
            core.waiting.timer = timer
            return core.holding?.outcome != nil
        }
        if isOver { TimerThread.shared.cancel(timer) }
    }

    /// Only the first outcome counts. Whoever waits for it goes on when the machine has nothing more to do.
    func settle(_ outcome: Outcome) {
        let (isFirst, timer) = core.withLock { core -> (Bool, TimerThread.ID?) in
            let holding = core.hold()
            guard holding.outcome == nil else { return (false, nil) }
            holding.outcome = outcome
            holding.settled = core.waiting.turn
            defer { (core.waiting.turn, core.waiting.timer) = (nil, nil) }
            return (true, core.waiting.timer)
        }
        if let timer { TimerThread.shared.cancel(timer) }
        if isFirst { onReport?(.settled(outcome)) }
    }

    /// Runs `body` when the machine has nothing more to do: at once, or else on the thread that it keeps busy.
    func whenAtRest(_ body: @escaping @Sendable () -> Void) {
        let isBusy = core.withLock { core in
            if core.isBusy { core.hold().afterwards.append(body) }
            return core.isBusy
        }
        if !isBusy { body() }
    }

    func giveUp(_ departure: QueueMachine.Departure) {
        post(.giveUp(departure))
        TimerThread.shared.schedule(at: .now + Self.patience) { [weak self] in self?.post(.patienceEnded) }
    }

    // MARK: The release

    /// Releases, once; everybody who asks waits for the same release, unless nobody is to wait.
    func release() async {
        requestRelease()
        guard options.release == .awaited else { return }
        await withUnsafeContinuation { waiter in
            let isOver = core.withLock { core in
                let holding = core.hold()
                if !holding.isReleaseOver { holding.releases.append(waiter) }
                return holding.isReleaseOver
            }
            if isOver { waiter.resume() }
        }
    }

    /// Begins the release, unless that was done. Says whether it was done before.
    @discardableResult
    func requestRelease() -> Bool {
        let (isFirst, listeners, session) = core.withLock { core in
            defer { core.isReleased = true }
            return (!core.isReleased, core.holding?.listeners, core.session)
        }
        if isFirst {
            cancelHoldTimers()
            // The clean-up may take longer than the lease.
            listeners?.finish()
            post(.release)
            // Mostly it is over by then, and needs no timer of its own.
            session?.putOff { [self] in endReleaseLater() }
        }
        return !isFirst
    }

    private func endReleaseLater() {
        guard core.withLock({ $0.holding?.isReleaseOver != true }) else { return }
        TimerThread.shared.schedule(at: .now + Self.patience - Session.whileToPutOff) { [weak self] in
            self?.post(.patienceEnded)
        }
    }

    func endRelease() {
        let waiters = core.withLock { core in
            let holding = core.hold()
            holding.isReleaseOver = true
            defer { holding.releases = [] }
            return holding.releases
        }
        for waiter in waiters { waiter.resume() }
    }
}

// MARK: What came of it

extension Contender {
    /// `nil` when it was not granted.
    @inline(never) func lease(file: String, line: Int) -> Lease? {
        guard case .granted(let own) = core.withLock({ $0.holding?.outcome }) else { return nil }
        return Lease(own, of: self, file: file, line: line)
    }

    /// Why it was not granted.
    @inline(never) func error() async -> LockError {
        guard case .departed(let departure, let ahead) = core.withLock({ $0.holding?.outcome }) else {
            return .cancelled(path)
        }
        let onlyIfAvailable = core.withLock { $0.machine.onlyIfAvailable }
        let path = group?.departed ?? path
        switch departure {
        case .cancelled:
            return .cancelled(path)
        case .failed(let failure, let operation):
            return .session(failure.error(operation: operation, path: path))
        case .disagrees(let found):
            return .permitsDisagree(path, expected: policy.permits ?? 0, found: found)
        case .stripesDisagree(let found):
            guard let stripes = group?.stripes else { return .cancelled(path) }
            return .stripesDisagree(stripes.path, expected: stripes.layout, found: found)
        case .timedOut where onlyIfAvailable:
            return .session(
                ZooKeeperError(
                    .requestTimedOut, operation: "acquire", path: path,
                    detail: "no answer within \(client.configuration.requestTimeout)"))
        case .timedOut, .unavailable, .released:
            return .timedOut(path, ahead: ahead?.count, holder: onlyIfAvailable ? nil : await holder(ahead, path))
        }
    }

    /// Who stands at the head of the queue, if that can be learned soon: the caller's time is over.
    func holder(_ ahead: QueueView.Ahead?, _ path: NodePath) async -> Holder? {
        guard let ahead, ahead.count > 0 else { return nil }
        let head = path.appending(unchecked: ahead.head)
        return Holder(node: head, owner: await client.data(of: head, within: .milliseconds(500)).flatMap(Owner.init))
    }
}
