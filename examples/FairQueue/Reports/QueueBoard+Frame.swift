import ToolArguments

extension QueueBoard {
    /// The whole picture.
    func frame(at now: ContinuousClock.Instant, size: Terminal.Size, glyphs: Glyphs) -> [StyledLine] {
        var lines = [StyledLine(), title(glyphs), StyledLine()]
        if case .running(let start) = stage {
            // What is drawn besides the rows, and the line on which the cursor stays.
            let others = 11
            lines += [lane(glyphs), StyledLine()]
            lines += rows(at: now, columns: size.columns, limit: max(1, size.rows - others), glyphs)
            lines += [StyledLine(), strip(size.columns, glyphs), progress(at: now, start, size.columns, glyphs)]
            lines += [StyledLine(), incident(at: now, start, glyphs)]
        } else {
            lines.append(preparation(glyphs))
        }
        return lines.map { $0.cut(to: size.columns - 1) }
    }

    func title(_ glyphs: Glyphs) -> StyledLine {
        var line = StyledLine(" ")
        line.add(" fair-queue ", .strong)
        line.add(" one lock, \(plan.workers.counting("worker")), \(plan.rounds.counting("turn")) each")
        line.add("  \(glyphs.dot)  \(plan.path)", .faint)
        return line
    }

    private func preparation(_ glyphs: Glyphs) -> StyledLine {
        var line = StyledLine("  \(glyphs.spinner[beat % glyphs.spinner.count]) ", .good)
        switch stage {
        case nil, .running: break
        case .startingServers(1): line.add("starting a ZooKeeper server \(glyphs.ellipsis)")
        case .startingServers(let count):
            line.add("starting an ensemble of \(count) ZooKeeper servers \(glyphs.ellipsis)")
        case .connecting:
            line.add("connecting \(plan.workers.counting("worker")), each with a session of its own \(glyphs.ellipsis)")
        }
        return line
    }

    /// The holder, and behind it the queue.
    private func lane(_ glyphs: Glyphs) -> StyledLine {
        let order = order
        var line = StyledLine("  lock ", .faint)
        let holders = order.filter(\.isHolding)
        if let former = order.first(where: \.isCutShort), recovery == nil, cutOff?.givenAway == nil {
            line.add("[\(former.worker) \(glyphs.cross)]", .bad)
        } else if holders.isEmpty {
            line.add("[ ]", .faint)
        }
        for holder in holders { line.add(badge(holder.worker), .badge(holder.worker)) }
        line.add("  \(glyphs.arrow)  ", .faint)
        line.add("queue ", .faint)
        for member in order where member.isWaiting {
            line.add(badge(member.worker), .worker(member.worker))
        }
        return line
    }

    /// Who held so far; the latest where there is no room for all.
    func strip(_ columns: Int, _ glyphs: Glyphs) -> StyledLine {
        let marks = turns.map { turn in
            turn.isCutShort
                ? StyledLine("\(turn.worker)\(glyphs.cross)", .bad) : StyledLine("\(turn.worker)", .worker(turn.worker))
        }
        let room = columns - 14
        var width = 0
        let shown = marks.reversed().prefix { mark in
            width += mark.width + 1
            return width <= room
        }
        var line = StyledLine("  turns ", .faint)
        if shown.count < marks.count { line.add("\(glyphs.ellipsis) ", .faint) }
        for mark in shown.reversed() {
            for piece in mark.pieces { line.add(piece.text, piece.style) }
            line.add(" ")
        }
        return line
    }

    private func progress(
        at now: ContinuousClock.Instant,
        _ start: Message.Start,
        _ columns: Int,
        _ glyphs: Glyphs
    ) -> StyledLine {
        var line = StyledLine("        ")
        let width = min(30, max(8, columns - 40))
        line.add(bar(Double(turns.count) / Double(plan.acquisitions), width, glyphs), .good)
        line.add("  \(turns.count) of \(plan.acquisitions)")
        line.add("   \((now - start.instant).stopwatch)", .faint)
        return line
    }

    func bar(_ fraction: Double, _ width: Int, _ glyphs: Glyphs) -> String {
        let full = Int((min(1, max(0, fraction)) * Double(width)).rounded())
        return String(repeating: glyphs.full, count: full) + String(repeating: glyphs.empty, count: width - full)
    }

    /// All badges are of one width.
    func badge(_ worker: Int) -> String {
        "[" + "\(worker)".padded(to: "\(plan.workers)".count, alignment: .right) + "]"
    }
}

extension QueueBoard.Member {
    var isHolding: Bool { if case .holding = state { true } else { false } }
    var isWaiting: Bool { waitingSince != nil }
    var waitingSince: ContinuousClock.Instant? { if case .waiting(_, let since) = state { since } else { nil } }
    var isCrashed: Bool { if case .crashed = state { true } else { false } }
    var isCutShort: Bool { if case .cancelled = state { true } else { isCrashed } }
}
