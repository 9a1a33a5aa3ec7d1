import ToolArguments

extension QueueBoard {
    /// A row for each worker in the order of the queue: as many as there is room for.
    func rows(at now: ContinuousClock.Instant, columns: Int, limit: Int, _ glyphs: Glyphs) -> [StyledLine] {
        let order = order
        let shown = order.count <= limit ? order.count : limit - 1
        // Somebody holds, or will in a moment.
        var ahead = 1
        // All waits are drawn to one scale. It grows if one takes longer than a whole round does.
        let longest = order.compactMap(\.waitingSince).map { now - $0 }.reduce(
            plan.hold * plan.workers + .milliseconds(1),
            max
        )
        var lines: [StyledLine] = []
        for member in order.prefix(shown) {
            lines.append(row(of: member, ahead: ahead, at: now, longest: longest, columns: columns, glyphs))
            if member.isWaiting { ahead += 1 }
        }
        if shown < order.count { lines.append(StyledLine("  \(glyphs.ellipsis) \(order.count - shown) more", .faint)) }
        return lines
    }

    private func row(
        of member: Member,
        ahead: Int,
        at now: ContinuousClock.Instant,
        longest: Duration,
        columns: Int,
        _ glyphs: Glyphs
    ) -> StyledLine {
        var line = StyledLine("  ")
        line.add(badge(member.worker), member.isHolding ? .badge(member.worker) : .worker(member.worker))
        line.add("  ")
        func add(_ what: String, _ style: StyledLine.Style, since instant: ContinuousClock.Instant?) {
            line.add(what.padded(to: 10), style)
            line.add((instant.map { (now - $0).stopwatch } ?? "").padded(to: 8, alignment: .right))
            line.add(member.round == 0 ? "" : "   turn \(member.round) of \(plan.rounds)   ", .faint)
        }
        switch member.state {
        case .holding(_, let since):
            add("holds", .strong, since: since)
            // A hold that takes no time has no bar to fill.
            let fraction = plan.hold > .zero ? (now - since) / plan.hold : 1
            line.add(bar(fraction, barWidth(line, columns), glyphs), .worker(member.worker))
        case .waiting(_, let since):
            add(ahead == 1 ? "next" : "\(ahead) ahead", .plain, since: since)
            let length = (now - since) / longest * Double(barWidth(line, columns))
            line.add(String(repeating: glyphs.wait, count: Int(length)), .worker(member.worker))
        case .away:
            add(member.round == 0 ? "" : "asks again", .faint, since: nil)
        case .crashed(let since):
            add("killed", .bad, since: since)
            if recovery == nil, case .running(let start) = stage {
                line.add(bar((now - since) / start.recoveryBound, barWidth(line, columns), glyphs), .bad)
            }
        case .cancelled(let since):
            add("stopped", .bad, since: since)
        case .failed(let reason):
            add("failed", .bad, since: nil)
            line.add(reason, .bad)
        case .done:
            add("done", .faint, since: nil)
        }
        return line
    }

    private func barWidth(_ line: StyledLine, _ columns: Int) -> Int {
        min(30, max(0, columns - 2 - line.width))
    }
}
