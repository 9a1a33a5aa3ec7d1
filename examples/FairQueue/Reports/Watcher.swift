/// Hands what happens to the report, and keeps it for the judge.
struct Watcher: Sendable {
    private let plan: Plan
    private var report: any Report
    private var history = History()
    private var start: Message.Start?

    /// Watches until the messages end.
    static func watch(_ messages: AsyncStream<Message>, for plan: Plan, _ report: any Report) async -> Watcher {
        var watcher = Watcher(plan: plan, report: report)
        for await message in messages { watcher.handle(message) }
        return watcher
    }

    private init(plan: Plan, report: any Report) {
        self.plan = plan
        self.report = report
    }

    private mutating func handle(_ message: Message) {
        switch message {
        case .stage(let stage):
            if case .running(let start) = stage { self.start = start }
            report.show(stage)
        case .event(let event):
            if let entry = history.add(event) { report.show(entry) }
        case .ensemble(let event):
            history.add(event)
            report.show(event)
        case .tick:
            report.refresh()
        }
    }

    /// Judges the run and shows the result; `nil` when it never began.
    func end(_ interruption: ContinuousClock.Instant?) -> Summary? {
        let summary = start.map { start in
            Summary(
                history,
                of: plan,
                recoveryBound: start.recoveryBound,
                start: start.instant,
                interruption: interruption
            )
        }
        var report = report
        report.end(summary)
        return summary
    }
}
