/// What was seen of a run, in the order in which it was learned.
struct History: Sendable {
    private(set) var events: [Event] = []
    private(set) var ensembleEvents: [EnsembleEvent] = []
    private var knownNodes: Set<String> = []
    private var openCrash: ContinuousClock.Instant?

    /// An event, and what it means after those before it.
    struct Entry: Equatable, Sendable {
        var event: Event
        /// For the first acquisition after a crash: the time since the kill.
        var recovery: Duration?
    }

    /// - Returns: `nil` for a place that was told before: the lock tells it again whenever it looks at the queue.
    mutating func add(_ event: Event) -> Entry? {
        var recovery: Duration?
        switch event.kind {
        case .queued(let place, _):
            guard knownNodes.insert(place.node).inserted else { return nil }
        case .crashed(_, _, let killed):
            openCrash = killed
        case .acquired:
            if let killed = openCrash, event.instant > killed {
                recovery = event.instant - killed
                openCrash = nil
            }
        case .released, .lost, .cancelled, .failed:
            break
        }
        events.append(event)
        return Entry(event: event, recovery: recovery)
    }

    mutating func add(_ event: EnsembleEvent) {
        ensembleEvents.append(event)
    }

    /// What happened before `end`. After an interruption workers leave the queue in no particular order.
    func events(before end: ContinuousClock.Instant?) -> [Event] {
        guard let end else { return events }
        return events.filter { $0.instant < end }
    }

    /// What happened to the ensemble before `end`.
    func ensembleEvents(before end: ContinuousClock.Instant?) -> [EnsembleEvent] {
        guard let end else { return ensembleEvents }
        return ensembleEvents.filter { $0.instant < end }
    }
}
