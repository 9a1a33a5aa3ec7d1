import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// One run of `zklock run` or `zklock elect`: waits, has the guardian run the command, and says how it ended. Everything that happens comes
/// as an event, and is dealt with one at a time.
struct LockedRun {
    enum Event: Sendable {
        case connected(ZooKeeperClient)
        case position(QueuePosition)
        case queue(QueueSnapshot)
        case acquired(Lease)
        case failed(any Error)
        case signal(Int32)
        case guardian(GuardianReport?)
        case lease(LeaseEvent, of: Lease)
        case tick
        /// A suspension ought to have begun by now.
        case awake
        /// Everybody is killed, without the guardian.
        case lastResort
    }

    let plan: RunPlan
    let events: AsyncStream<Event>
    let feed: AsyncStream<Event>.Continuation
    let guardian: GuardianLink
    var voice: RunVoice
    /// When the wait began.
    var begin = ContinuousClock.now
    var client: ZooKeeperClient?
    var lease: Lease?
    var waiter: Task<Void, Never>?
    var onlooker: Task<Void, Never>?
    var queue: QueueSnapshot?
    var own: NodePath?
    /// Asked to end, by that signal, whether or not there was a command that it could be passed on to: there is no other term then.
    var interruption: Int32?
    var loss: LossReason?
    /// The command is made to end, or asked to by somebody who wants the lock.
    var isStopping = false
    private var lastResorts: [TimerThread.ID] = []
    private var isLastResort = false
    /// The command, while zklock and it are suspended.
    var isSuspended = false

    /// What a command is told by, and what is passed on to it.
    static let forwarded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT]
    private static let patience = Duration.seconds(1)
    /// The guardian tries for three seconds to end those that cannot be killed.
    private static let guardiansPatience = Duration.seconds(5)

    /// Makes the guardian, which has to come before anything that makes threads.
    ///
    /// - Throws: ``ZklockError`` when there are no processes or descriptors to be had.
    init(_ plan: RunPlan, _ command: [[CChar]]) throws(ZklockError) {
        self.plan = plan
        voice = RunVoice(plan.voice)
        (events, feed) = AsyncStream.makeStream()
        guardian = try GuardianLink(command: command, mask: RawArguments.originalMask) { [feed] report in
            feed.yield(.guardian(report))
        }
    }

    /// - Returns: the exit status.
    mutating func execute() async -> Int32 {
        catchSignals()
        wait()
        var status = ExitStatus.failed.rawValue
        for await event in events {
            if let end = await handle(event) {
                status = end
                break
            }
        }
        guardian.end()
        await cleanUp()
        voice.clear()
        return status
    }

    private func catchSignals() {
        SignalPipe.catchSignals(Self.forwarded)
        SignalPipe.ignoreTroubleWithMessages()
        // The threads of Swift's pool may not take signals; this one does.
        DetachedThread.start("zk-signals") { [feed] in
            SignalMask.none.apply()
            while true {
                var descriptor = pollfd(fd: SignalPipe.reader, events: Int16(POLLIN), revents: 0)
                guard poll(&descriptor, 1, -1) > 0 else { continue }
                for number in SignalPipe.read() { feed.yield(.signal(number)) }
            }
        }
    }

    /// Connects and acquires, in a task that a signal can cancel.
    private mutating func wait() {
        waiter = Task { [plan, feed, client, lease] in
            do {
                // That of the term before; its znode may be there still, ahead of the next one.
                await lease?.release()
                let client = if let client { client } else { try await ZooKeeperClient.connect(plan.configuration) }
                feed.yield(.connected(client))
                feed.yield(.acquired(try await plan.acquire(client) { feed.yield(.position($0)) }))
            } catch {
                feed.yield(.failed(error))
            }
        }
        lease = nil
    }

    /// - Returns: the exit status, when all is over.
    private mutating func handle(_ event: Event) async -> Int32? {
        switch event {
        case .connected(let client):
            guard self.client == nil else { break }
            self.client = client
            voice.detail(
                "connected to \(client.connectedServer ?? "?"), session timeout \(client.sessionTimeout.brief)")
        case .position(let position):
            own = position.node
            guard lease == nil, position.ahead > 0 else { break }
            voice.detail("\(position.ahead) ahead of \(position.node)")
            look()
        case .queue(let queue):
            self.queue = queue
            showWaiting()
        case .tick: showWaiting()
        case .acquired(let lease): return begin(lease)
        case .failed(let error): return failure(error)
        case .signal(let number): signal(number)
        case .guardian(let report): return await told(report)
        case .lease(let event, let lease): if lease === self.lease { happened(event) }
        case .awake: if isSuspended { resume() }
        case .lastResort: if loss != nil { (isLastResort, isStopping) = (true, true) }
        }
        return nil
    }

    // MARK: Waiting

    /// Follows the queue while a person looks on; nobody else needs to.
    private mutating func look() {
        guard voice.isLive, onlooker == nil, let client else { return }
        onlooker = Task { [path = plan.path, feed] in
            let ticker = Task {
                while (try? await Task.sleep(for: .seconds(1))) != nil { feed.yield(.tick) }
            }
            defer { ticker.cancel() }
            do {
                for try await queue in client.queueChanges(of: path) { feed.yield(.queue(queue)) }
            } catch {
                // It is shown no more; the wait itself will tell what is wrong.
            }
        }
    }

    private mutating func showWaiting() {
        guard lease == nil, let queue else { return }
        voice.wait(queue, own: own, since: begin)
    }

    private mutating func failure(_ error: any Error) -> Int32 {
        if let interruption { return 128 + interruption }
        if case LockError.timedOut = error {
            voice.error("\(error)")
            return plan.conflictExitCode
        }
        voice.error("\(error)")
        return ExitStatus.failed.rawValue
    }

    // MARK: Running

    private mutating func begin(_ lease: Lease) -> Int32? {
        self.lease = lease
        onlooker?.cancel()
        onlooker = nil
        voice.clear()
        // It came when nobody wanted it any more.
        if let interruption { return 128 + interruption }
        let timeout = client?.sessionTimeout ?? plan.configuration.sessionTimeout
        let killAfter = min(plan.killAfter, RunPlan.killShare(of: timeout))
        let margin = RunPlan.margin(of: timeout)
        if killAfter < plan.killAfter {
            voice.detail(
                "with a session timeout of \(timeout.brief) the kill comes after \(killAfter.brief)")
        }
        let waited = ContinuousClock.now - begin
        voice.detail("obtained \(lease.node) after \(waited.brief), token \(lease.fencingToken)")
        Task { [feed] in
            for await event in lease.events { feed.yield(.lease(event, of: lease)) }
        }
        guardian.start(
            GuardianOrder.Start(
                path: plan.path.string, node: lease.node.string, token: "\(lease.fencingToken)",
                deadline: BootTime.nanoseconds(lease.validUntil), killAfter: killAfter.nanoseconds,
                margin: margin.nanoseconds,
                // In a pipe others of the job may use the terminal; the command gets it then when it asks for it.
                takesTerminal: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1),
            with: lease, every: timeout / 40)
        return nil
    }

    private mutating func happened(_ event: LeaseEvent) {
        switch event {
        case .suspended: voice.detail("the connection is lost")
        case .restored: voice.detail("connected again")
        case .lost(let reason):
            loss = loss ?? reason
            guardian.send(.stop)
            killLater(reason)
        case .holdEnds: break
        case .revocationRequested(let request): asked(request)
        }
    }

    /// As if somebody had sent it the signal here: a command that wants to end in order can, and one that ignores it keeps the lock.
    private mutating func asked(_ request: RevocationRequest) {
        let text = QueueText.plain("\(request)")
        guard !plan.ignoresRevocation else { return voice.detail("asked to give up the lock \(text)") }
        voice.error("\(plan.path): asked to give up the lock \(text); the command is asked to end")
        isStopping = true
        guardian.send(.signal(SIGTERM))
    }

    private mutating func told(_ report: GuardianReport?) async -> Int32? {
        switch report {
        case .started(let pid): voice.detail("runs as process \(pid)")
        case .refused:
            voice.error("\(plan.path): the lock is lost (\(lossText)); the command was not started")
            guard plan.isElection, interruption == nil else { return ExitStatus.lost.rawValue }
            campaignAgain()
        case .failed(let code):
            voice.error("cannot run the command: \(String(cString: strerror(code)))")
            return ExitStatus(startError: code).rawValue
        case .suspended(let signal): suspend(by: signal)
        case .stopping(let overdue):
            isStopping = true
            voice.error(
                overdue
                    ? "\(plan.path): the servers have not answered for too long; the command is asked to end"
                    : "\(plan.path): the lock is lost (\(lossText)); the command is asked to end")
        case .killing: voice.detail("whoever is left is killed")
        case .ended(let status, let stopped, let left):
            if left > 0 {
                voice.error("\(left) processes of the command cannot be killed: they may go on without the lock")
            }
            voice.detail("the command ended with \(WaitStatus(status).exitCode)")
            // Whoever was asked to give up the office, and did, runs for it again like one who lost it.
            guard plan.isElection, isStopping, interruption == nil, left == 0 else {
                return stopped || isLastResort ? ExitStatus.lost.rawValue : WaitStatus(status).exitCode
            }
            campaignAgain()
        case nil:
            // A guardian that has nothing more to say has said so before.
            if lease != nil { await killOrphans() }
            voice.error("the guardian of the command was killed, and the command with it")
            return loss == nil ? ExitStatus.failed.rawValue : ExitStatus.lost.rawValue
        }
        return nil
    }

    private var lossText: String { loss.map { "\($0)" } ?? "the lease ran out" }

    /// For a guardian that is stopped, or starved: it would have killed everybody by then. It is woken to say how that ended, and is
    /// killed only if it does not.
    private mutating func killLater(_ reason: LossReason) {
        let timeout = client?.sessionTimeout ?? plan.configuration.sessionTimeout
        let margin = RunPlan.margin(of: timeout)
        let due = ContinuousClock.now + (reason == .leaseExpired ? margin / 2 : plan.killAfter + margin)
        lastResorts += [
            TimerThread.shared.schedule(at: due) { [guardian, feed] in
                feed.yield(.lastResort)
                ProcessTree.signalDescendants(SIGKILL, sparing: guardian.pid)
                kill(guardian.pid, SIGCONT)
            },
            TimerThread.shared.schedule(at: due + Self.guardiansPatience) {
                ProcessTree.signalDescendants(SIGKILL)
            },
        ]
    }

    /// The guardian's children have come to this process.
    private func killOrphans() async {
        let end = ContinuousClock.now + .seconds(3)
        while ProcessTree.signalDescendants(SIGKILL) > 0, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: The end

    /// The office is lost, and nobody is left who acts as if it were not.
    private mutating func campaignAgain() {
        for timer in lastResorts { TimerThread.shared.cancel(timer) }
        guardian.end()
        (loss, isStopping, queue, own, lastResorts, isLastResort) = (nil, false, nil, nil, [], false)
        voice.error("\(plan.path): waiting to be elected again")
        begin = .now
        wait()
    }

    /// Gives the lock back and ends the session, as long as that takes no time.
    private mutating func cleanUp() async {
        waiter?.cancel()
        onlooker?.cancel()
        let isOver = Promise<Void>()
        TimerThread.shared.schedule(at: .now + Self.patience * 2) { isOver.resolve(()) }
        Task { [lease, client] in
            await lease?.release()
            await client?.close()
            isOver.resolve(())
        }
        // The servers end the session without us, too, only later.
        await isOver.value()
    }
}
