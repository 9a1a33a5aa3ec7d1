import ZooKeeperTestKit

/// Kills the leader of an ensemble in the middle of a run, and makes the ensemble whole again.
struct LeaderKill: Sendable {
    var ensemble: TestEnsemble
    var report: @Sendable (EnsembleEvent) -> Void

    /// Kills the member that leads when the given number of turns has begun, waits until another one leads, and starts the
    /// killed one again. Returns when it serves, or when the turns end before that number. What goes wrong is told as an
    /// event.
    func run(atTurn turn: Int, of turns: AsyncStream<Void>) async {
        var begun = 0
        for await _ in turns {
            begun += 1
            if begun == turn { break }
        }
        guard begun == turn else { return }
        var member = 1
        do {
            let leader = try await ensemble.leader()
            member = leader.memberNumber ?? member
            let killed = ContinuousClock.now
            try await leader.kill()
            report(EnsembleEvent(member: member, instant: killed, kind: .leaderKilled))
            // Not before another one leads: with the old one back at once it would be a restart, and no loss.
            let next = try await ensemble.leader()
            report(EnsembleEvent(member: next.memberNumber ?? 0, instant: .now, kind: .leaderElected))
            try await leader.restart()
            report(EnsembleEvent(member: member, instant: .now, kind: .memberRestarted))
        } catch {
            guard !Task.isCancelled else { return }
            report(EnsembleEvent(member: member, instant: .now, kind: .memberFailed("\(error)")))
        }
    }
}
