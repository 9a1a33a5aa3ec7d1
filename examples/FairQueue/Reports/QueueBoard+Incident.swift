import ToolArguments

extension QueueBoard {
    /// What was done to the run, and what came of it.
    func incident(
        at now: ContinuousClock.Instant,
        _ start: Message.Start,
        _ glyphs: Glyphs
    ) -> StyledLine {
        if let cutOffFailure { return StyledLine("  \(glyphs.cross) \(cutOffFailure)", .bad) }
        if let cutOff { return cutOffReport(cutOff, at: now, glyphs) }
        return leaderLoss.map { leaderReport($0, at: now, glyphs) } ?? crashReport(start, glyphs)
    }

    private func leaderReport(_ loss: LeaderLoss, at now: ContinuousClock.Instant, _ glyphs: Glyphs) -> StyledLine {
        if let failure = loss.failure { return StyledLine("  \(glyphs.cross) member \(loss.killed): \(failure)", .bad) }
        let pause = isComplete ? .zero : standstill.current(at: now)
        // A hand-over takes a moment too.
        let stands = pause > .milliseconds(100)
        var line: StyledLine
        if let next = loss.next, !stands {
            line = StyledLine("  \(glyphs.check) ", .good)
            line.add("member \(next) leads")
            if loss.isWhole { line.add(", member \(loss.killed) is back") }
            if let longest = standstill.longest { line.add("; the queue stood still for \(longest.brief)") }
        } else {
            line = StyledLine("  \(glyphs.cross) kill -9", .bad)
            line.add(" of the leader, member \(loss.killed)")
            if let next = loss.next { line.add("; member \(next) leads") }
            if stands { line.add("; the queue stands still, \(pause.stopwatch)") }
        }
        return line
    }

    private func crashReport(_ start: Message.Start, _ glyphs: Glyphs) -> StyledLine {
        let bound = start.recoveryBound.brief
        if let recovery {
            var line = StyledLine("  \(glyphs.check) ", .good)
            line.add(
                "worker \(recovery.worker) had the lock \(recovery.duration.brief) after the kill (bound \(bound))"
            )
            return line
        }
        guard let crashed = order.first(where: \.isCrashed) else { return StyledLine() }
        var line = StyledLine("  \(glyphs.cross) kill -9", .bad)
        line.add(" of worker \(crashed.worker) as the holder: its session ends, the next is due within \(bound)")
        return line
    }

    private func cutOffReport(_ cutOff: CutOff, at now: ContinuousClock.Instant, _ glyphs: Glyphs) -> StyledLine {
        guard let cancellation = cutOff.cancellation, let givenAway = cutOff.givenAway else {
            var line = StyledLine("  \(glyphs.cross) cut off", .bad)
            line.add(": member \(cutOff.member), to which the holder is connected, \((now - cutOff.since).stopwatch)")
            if let stopped = cutOff.stopped {
                line.add("; told to stop \((stopped - cutOff.since).brief) after the cut")
            }
            return line
        }
        let isInTime = cancellation.margin(to: givenAway) > .zero
        var line = StyledLine("  \(isInTime ? glyphs.check : glyphs.cross) ", isInTime ? .good : .bad)
        line.add("the lock of worker \(cancellation.worker) was given away " + cancellation.comparison(to: givenAway))
        if cutOff.isHealed { line.add("; member \(cutOff.member) is back") }
        return line
    }
}
