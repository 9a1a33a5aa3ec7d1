import ToolArguments

/// The end of a run, for people.
enum SummaryTable {
    static func lines(_ summary: Summary, _ glyphs: Glyphs) -> [StyledLine] {
        let plan = summary.plan
        let verdict = summary.verdict
        var lines = [
            row(
                "total",
                "\(summary.acquisitions) of \(plan.acquisitions.counting("turn"))",
                summary.elapsed.brief
            )
        ]
        lines.append(row("order", "first come, first served", verdict.fifoViolations.counting("violation")))
        lines.append(row("exclusion", "never two holders", verdict.overlaps.counting("overlap")))
        lines.append(row("tokens", "each larger than the last", verdict.tokensRising ? "yes" : "no"))
        if let median = summary.median, let p99 = summary.p99 {
            lines.append(row("wait", "half within \(median.brief)", "99 % within \(p99.brief)"))
        }
        if plan.crashRound != nil {
            let recovery = summary.recovery.map { "next \($0.brief) later (bound \(summary.recoveryBound.brief))" }
            lines.append(
                row(
                    "crash",
                    summary.crashes > 0 ? "the holder was killed" : "nobody was killed",
                    recovery ?? "nobody came next"
                )
            )
        }
        if plan.leaderKillTurn != nil {
            let killed = summary.killedLeaders.map { "member \($0)" }.joined(separator: ", ")
            lines.append(
                row(
                    "leader",
                    killed.isEmpty ? "was not killed" : "\(killed) was killed",
                    summary.pause.map { "the queue stood still for \($0.brief)" } ?? "nobody went on"
                )
            )
        }
        if plan.partitionRound != nil {
            let cutOff = summary.cutOff.map { "member \($0)" }.joined(separator: ", ")
            lines.append(
                row(
                    "partition",
                    cutOff.isEmpty ? "nobody was cut off" : "\(cutOff) was cut off",
                    summary.margin.map { "the holder stopped \($0.brief) before the lock was given away" }
                        ?? "the holder was not seen to lose the lock"
                )
            )
        }
        lines.append(StyledLine())
        var last = StyledLine("  ")
        if summary.isInterrupted {
            last.add("interrupted", .strong)
            last.add(summary.isGood ? ", nothing wrong until then" : "")
        } else if summary.isGood {
            last.add("\(glyphs.check) all by the rules", .good)
        }
        if !summary.isGood {
            last.add(last.width > 2 ? ": " : "")
            last.add("\(glyphs.cross) " + summary.complaints.joined(separator: "; "), .bad)
        }
        lines.append(last)
        return lines
    }

    private static func row(_ name: String, _ what: String, _ result: String) -> StyledLine {
        var line = StyledLine("  " + name.padded(to: 11), .faint)
        line.add(what.padded(to: 28))
        line.add(result, .strong)
        return line
    }
}
