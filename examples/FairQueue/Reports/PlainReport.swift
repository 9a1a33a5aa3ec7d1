import ToolArguments

/// A line for each event, for files and pipes.
struct PlainReport: Report {
    private var start: Message.Start?

    mutating func show(_ stage: Message.Stage) {
        if case .running(let start) = stage { self.start = start }
    }

    func show(_ entry: History.Entry) {
        guard let start else { return }
        Terminal.write(Self.line(entry, start) + "\n")
    }

    func show(_ event: EnsembleEvent) {
        guard let start else { return }
        Terminal.write(Self.line(event, start) + "\n")
    }

    func end(_ summary: Summary?) {
        guard let summary else { return }
        let painter = Painter(isColored: false)
        Terminal.write("\n" + SummaryTable.lines(summary, .ascii).map { painter.paint($0) + "\n" }.joined())
    }

    static func line(_ entry: History.Entry, _ start: Message.Start) -> String {
        let event = entry.event
        let details =
            switch event.kind {
            case .queued(_, let ahead): "\(ahead) ahead"
            case .acquired(let place, let waited):
                "waited \(waited.brief), token \(place.token)"
                    + (entry.recovery.map { ", \($0.brief) after the kill (bound \(start.recoveryBound.brief))" } ?? "")
            case .released(_, let held): "held \(held.brief)"
            case .lost(_, let held): "lost the lock it had held \(held.brief)"
            case .cancelled(_, let held): "told to stop, and has, after holding it \(held.brief)"
            case .crashed(_, let held, _): "killed after \(held.brief) as the holder"
            case .failed(let reason): reason
            }
        return time(event.instant, start) + "  worker " + "\(event.worker)".padded(to: 3) + "  round "
            + "\(event.round)".padded(to: 3) + "  " + event.kind.name.padded(to: 9) + "  " + details
    }

    static func line(_ event: EnsembleEvent, _ start: Message.Start) -> String {
        let what =
            switch event.kind {
            case .leaderKilled: "killed: it was the leader"
            case .leaderElected: "leads"
            case .memberRestarted: "serves again"
            case .followerCutOff: "cut off from the other members, and does not know: the holder is connected to it"
            case .gaveAway(let cancellation):
                "gives the lock of worker \(cancellation.worker) away, " + cancellation.comparison(to: event.instant)
            case .partitionHealed: "reaches the other members again"
            case .memberFailed(let reason): "failed: \(reason)"
            }
        return time(event.instant, start) + "  member " + "\(event.member)".padded(to: 3) + "  " + what
    }

    private static func time(_ instant: ContinuousClock.Instant, _ start: Message.Start) -> String {
        let milliseconds = (instant - start.instant).milliseconds
        let seconds = String(Int(milliseconds.rounded()) / 1000)
        let thousandths = String(Int(milliseconds.rounded()) % 1000)
        let time = seconds + "." + String(repeating: "0", count: 3 - thousandths.count) + thousandths
        return time.padded(to: 8, alignment: .right)
    }
}

extension Cancellation {
    /// `412 ms after it had stopped`.
    func comparison(to givenAway: ContinuousClock.Instant) -> String {
        let margin = margin(to: givenAway)
        return margin > .zero
            ? "\(margin.brief) after it had stopped" : "\((.zero - margin).brief) before it had stopped"
    }
}

extension String {
    enum Alignment { case left, right }

    func padded(to width: Int, alignment: Alignment = .left) -> String {
        let padding = String(repeating: " ", count: max(0, width - count))
        return alignment == .left ? self + padding : padding + self
    }
}
