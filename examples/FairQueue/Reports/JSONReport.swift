import ToolArguments

/// One JSON object a line, and nothing else, on standard output.
///
/// Every event has `event`, `worker`, `round` (from 1) and `timeMs` since the start; all but `failed` have `node` (the
/// full path of the contender's znode) and `token`. Times are in milliseconds, as decimal numbers. Lines come in the
/// order in which things were learned; `timeMs` says when they happened.
///
/// | event | further keys |
/// |---|---|
/// | `queued` | `ahead`: how many are in front |
/// | `acquired` | `waitMs` from the call to the grant; after a crash, once: `recoveryMs` since the kill, `recoveryBoundMs` |
/// | `released` | `holdMs` |
/// | `lost` | `holdMs`; the lease was over before the worker released it |
/// | `crashed` | `holdMs`, `killedMs` (when it was killed; `timeMs` is when it was gone), `recoveryBoundMs` |
/// | `cancelled` | `holdMs`, `deletedMs` (when the leader deleted the znode; `timeMs` is when the worker had stopped), `marginMs` from the one to the other: told when both are known |
/// | `failed` | `reason`; nothing more comes from this worker |
///
/// A worker that was `cancelled` takes the rest of its turns later; that one is over, and counts as an acquisition.
///
/// What happens to the ensemble has `event`, `member` (from 1) and `timeMs`:
///
/// | event | meaning |
/// |---|---|
/// | `leaderKilled` | the member led, and was killed |
/// | `leaderElected` | the member leads now |
/// | `memberRestarted` | the killed member serves again |
/// | `followerCutOff` | the member follows, and was cut off from the others while worker 1 holds through it |
/// | `partitionHealed` | that member reaches the others again |
/// | `memberFailed` | with `reason`: what was to be done with the member did not succeed |
///
/// The last line is the `summary`: `ok`, `workers`, `rounds`, `acquisitions`, `expectedAcquisitions`, `fifoViolations`,
/// `overlaps`, `tokensRising`, `waitMsP50`, `waitMsP99`, `crashes`, `recoveryMs` and `recoveryBoundMs` (`null` without
/// a crash), `leaderKills`, `pauseMs` (the longest time for which nobody acquired or released after the kill of the
/// leader, beyond that for which a holder keeps the lock anyhow; `null` without a kill), `partitions`, `cancelled` (how
/// many), `marginMs` (`null` without a partition), `lost`, `failed` (how many), `interrupted`, `elapsedMs`. There is none when the run could not begin.
struct JSONReport: Report {
    private var start: Message.Start?

    mutating func show(_ stage: Message.Stage) {
        if case .running(let start) = stage { self.start = start }
    }

    func show(_ entry: History.Entry) {
        guard let start, let line = Self.line(entry, start) else { return }
        Terminal.write(line.text + "\n")
    }

    func show(_ event: EnsembleEvent) {
        guard let start else { return }
        Terminal.write(Self.line(event, start).text + "\n")
    }

    func end(_ summary: Summary?) {
        guard let summary else { return }
        Terminal.write(Self.line(summary).text + "\n")
    }

    /// - Returns: `nil` for the end of a holder that was cut off: its line comes with its margin.
    static func line(_ entry: History.Entry, _ start: Message.Start) -> JSONLine? {
        let event = entry.event
        var line = JSONLine(event: event.kind.name, worker: event.worker, round: event.round, place: event.place)
        switch event.kind {
        case .queued(_, let ahead):
            line.add("ahead", ahead)
        case .acquired(_, let waited):
            line.add("waitMs", waited)
            if let recovery = entry.recovery {
                line.add("recoveryMs", recovery)
                line.add("recoveryBoundMs", start.recoveryBound)
            }
        case .released(_, let held), .lost(_, let held):
            line.add("holdMs", held)
        case .cancelled:
            return nil
        case .crashed(_, let held, let killed):
            line.add("holdMs", held)
            line.add("killedMs", killed - start.instant)
            line.add("recoveryBoundMs", start.recoveryBound)
        case .failed(let reason):
            line.add("reason", reason)
        }
        line.add("timeMs", event.instant - start.instant)
        return line
    }

    static func line(_ event: EnsembleEvent, _ start: Message.Start) -> JSONLine {
        if case .gaveAway(let cancellation) = event.kind { return line(cancellation, deleted: event.instant, start) }
        var line = JSONLine(event: event.kind.name)
        line.add("member", event.member)
        if case .memberFailed(let reason) = event.kind { line.add("reason", reason) }
        line.add("timeMs", event.instant - start.instant)
        return line
    }

    private static func line(
        _ cancellation: Cancellation,
        deleted: ContinuousClock.Instant,
        _ start: Message.Start
    ) -> JSONLine {
        var line = JSONLine(
            event: EnsembleEvent.Kind.gaveAway(cancellation).name,
            worker: cancellation.worker,
            round: cancellation.round,
            place: cancellation.place
        )
        line.add("holdMs", cancellation.held)
        line.add("deletedMs", deleted - start.instant)
        line.add("marginMs", cancellation.margin(to: deleted))
        line.add("timeMs", cancellation.stopped - start.instant)
        return line
    }

    static func line(_ summary: Summary) -> JSONLine {
        var line = JSONLine(event: "summary")
        line.add("ok", summary.isGood && !summary.isInterrupted)
        line.add("workers", summary.plan.workers)
        line.add("rounds", summary.plan.rounds)
        line.add("acquisitions", summary.acquisitions)
        line.add("expectedAcquisitions", summary.plan.acquisitions)
        line.add("fifoViolations", summary.verdict.fifoViolations)
        line.add("overlaps", summary.verdict.overlaps)
        line.add("tokensRising", summary.verdict.tokensRising)
        line.add("waitMsP50", summary.median)
        line.add("waitMsP99", summary.p99)
        line.add("crashes", summary.crashes)
        line.add("recoveryMs", summary.recovery)
        line.add("recoveryBoundMs", summary.plan.crashRound == nil ? nil : summary.recoveryBound)
        line.add("leaderKills", summary.killedLeaders.count)
        line.add("pauseMs", summary.pause)
        line.add("partitions", summary.cutOff.count)
        line.add("cancelled", summary.cancelled)
        line.add("marginMs", summary.margin)
        line.add("lost", summary.losses)
        line.add("failed", summary.failures)
        line.add("interrupted", summary.isInterrupted)
        line.add("elapsedMs", summary.elapsed)
        return line
    }
}

extension JSONLine {
    fileprivate init(event: String, worker: Int, round: Int, place: Place?) {
        self.init(event: event)
        add("worker", worker)
        add("round", round)
        guard let place else { return }
        add("node", place.node)
        add("token", place.token)
    }
}

extension Event.Kind {
    var name: String {
        switch self {
        case .queued: "queued"
        case .acquired: "acquired"
        case .released: "released"
        case .lost: "lost"
        case .cancelled: "cancelled"
        case .crashed: "crashed"
        case .failed: "failed"
        }
    }
}

extension EnsembleEvent.Kind {
    var name: String {
        switch self {
        case .leaderKilled: "leaderKilled"
        case .leaderElected: "leaderElected"
        case .memberRestarted: "memberRestarted"
        case .followerCutOff: "followerCutOff"
        case .gaveAway: "cancelled"
        case .partitionHealed: "partitionHealed"
        case .memberFailed: "memberFailed"
        }
    }
}
