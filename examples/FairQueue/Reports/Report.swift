import ToolArguments

/// Shows a run to somebody.
protocol Report: Sendable {
    /// How often to show how time passes; `nil` where it does not matter.
    var refreshInterval: Duration? { get }
    /// Nobody else may write to the terminal meanwhile.
    var ownsScreen: Bool { get }
    /// Leaves the terminal as it was, when there is no time for ``end(_:)``.
    var abort: @Sendable () -> Void { get }

    mutating func show(_ stage: Message.Stage)
    mutating func show(_ entry: History.Entry)
    mutating func show(_ event: EnsembleEvent)
    mutating func refresh()
    /// - Parameter summary: `nil` when the run could not begin.
    mutating func end(_ summary: Summary?)
}

extension Report {
    var refreshInterval: Duration? { nil }
    var ownsScreen: Bool { false }
    var abort: @Sendable () -> Void { {} }
    mutating func refresh() {}
}

extension Options {
    /// What fits whoever reads standard output.
    var report: any Report {
        if json { return JSONReport() }
        return Terminal.canRedraw ? LiveReport(plan) : PlainReport()
    }
}
