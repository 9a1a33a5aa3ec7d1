import ToolArguments

/// What came of a run.
struct Summary: Equatable, Sendable {
    var plan: Plan
    var verdict: Judge.Verdict
    var acquisitions: Int
    var median: Duration?
    var p99: Duration?
    var elapsed: Duration
    var crashes: Int
    /// From the kill to the next acquisition.
    var recovery: Duration?
    var recoveryBound: Duration
    /// Which members were killed as the leader.
    var killedLeaders: [Int]
    /// The longest time for which the queue stood still after that.
    var pause: Duration?
    /// Which members were cut off as the holder's follower.
    var cutOff: [Int]
    /// How many holders were told to stop because their follower was cut off. Their turns count, up to the end of what they did.
    var cancelled: Int
    /// From the end of what the holder did under the lock to the leader's deletion of its znode; the shortest. `nil` where that was
    /// not seen.
    var margin: Duration?
    /// What could not be done with the ensemble.
    var ensembleFailures: [String]
    var losses: Int
    var failures: Int
    var isInterrupted: Bool

    init(
        _ history: History,
        of plan: Plan,
        recoveryBound: Duration,
        start: ContinuousClock.Instant,
        interruption: ContinuousClock.Instant? = nil
    ) {
        let events = history.events(before: interruption)
        let waits = events.compactMap { event -> Duration? in
            if case .acquired(_, let waited) = event.kind { waited } else { nil }
        }
        let kills = events.compactMap { event -> ContinuousClock.Instant? in
            if case .crashed(_, _, let killed) = event.kind { killed } else { nil }
        }
        self.plan = plan
        verdict = Judge.verdict(on: events)
        acquisitions = waits.count
        median = Percentile.of(waits, 50)
        p99 = Percentile.of(waits, 99)
        elapsed = (events.map(\.instant).max() ?? start) - start
        crashes = kills.count
        recovery = kills.first.flatMap { killed in
            events.compactMap { event -> ContinuousClock.Instant? in
                if case .acquired = event.kind, event.instant > killed { event.instant } else { nil }
            }.min().map { $0 - killed }
        }
        self.recoveryBound = recoveryBound
        var standstill = Standstill(hold: plan.hold)
        killedLeaders = []
        ensembleFailures = []
        cutOff = []
        for event in history.ensembleEvents(before: interruption) {
            switch event.kind {
            case .leaderKilled:
                killedLeaders.append(event.member)
                standstill.leaderKilled(at: event.instant)
            case .memberFailed(let reason):
                ensembleFailures.append("member \(event.member): \(reason)")
            case .followerCutOff:
                cutOff.append(event.member)
            case .gaveAway(let cancellation):
                let margin = cancellation.margin(to: event.instant)
                self.margin = min(self.margin ?? margin, margin)
            case .leaderElected, .memberRestarted, .partitionHealed:
                break
            }
        }
        for event in events.sorted(by: { $0.instant < $1.instant }) { standstill.add(event) }
        pause = standstill.longest
        losses = events.count { if case .lost = $0.kind { true } else { false } }
        cancelled = events.count { if case .cancelled = $0.kind { true } else { false } }
        failures = events.count { if case .failed = $0.kind { true } else { false } }
        isInterrupted = interruption != nil
    }

    /// What speaks against the lock, or against this run as a proof of anything; empty when all is well.
    var complaints: [String] {
        var complaints: [String] = []
        func complain(_ text: String, if condition: Bool) {
            if condition { complaints.append(text) }
        }
        complain("\(verdict.fifoViolations.counting("acquisition")) out of turn", if: verdict.fifoViolations > 0)
        complain("\(verdict.overlaps.counting("time")) two held at once", if: verdict.overlaps > 0)
        complain("tokens did not rise", if: !verdict.tokensRising)
        complain("\(losses.counting("lease")) lost while held", if: losses > 0)
        if let margin, margin <= .zero {
            complaints.append("the lock was given away \((.zero - margin).brief) before its holder had stopped")
        }
        complain("\(failures.counting("worker")) failed", if: failures > 0)
        complaints += ensembleFailures
        // The rest is what an unfinished run cannot have.
        guard !isInterrupted else { return complaints }
        complain(
            "\(acquisitions.counting("acquisition")) instead of \(plan.acquisitions)",
            if: acquisitions != plan.acquisitions
        )
        if plan.leaderKillTurn != nil {
            complain("no leader was killed", if: killedLeaders.isEmpty)
            complain("nobody went on after the leader was killed", if: !killedLeaders.isEmpty && pause == nil)
        }
        if plan.partitionRound != nil {
            complain("no follower was cut off", if: cutOff.isEmpty)
            complain("the holder that was cut off was not told to stop", if: !cutOff.isEmpty && cancelled == 0)
            complain(
                "nobody saw the leader give the lock away",
                if: cancelled > 0 && margin == nil && ensembleFailures.isEmpty
            )
        }
        guard plan.crashRound != nil else { return complaints }
        complain("no worker crashed", if: crashes == 0)
        if let recovery {
            complain(
                "the next had to wait \(recovery.brief) after the crash, more than \(recoveryBound.brief)",
                if: recovery > recoveryBound
            )
        } else {
            complain("nobody got the lock after the crash", if: crashes > 0)
        }
        return complaints
    }

    var isGood: Bool { complaints.isEmpty }
}

extension Int {
    /// `1 worker`, `2 workers`.
    func counting(_ noun: String) -> String {
        "\(self) \(noun)\(self == 1 ? "" : "s")"
    }
}
