import ZooKeeper
import ZooKeeperLocks

/// A history put in order: who waited for how long, who held and said what.
struct HistoryRun {
    typealias Instant = ContinuousClock.Instant
    typealias Contender = LockHistory.Contender

    /// A time for which a lease said that it may be believed.
    struct Claim {
        var contender: Contender
        var start: Instant
        /// `nil`: it was never seen to end.
        var end: Instant?
    }

    struct Hold {
        var contender: Contender
        var token: FencingToken
        var start: Instant
        /// What the lease said of its end, and when; each with the next.
        var deadlines: [(told: Instant, until: Instant?)]
        var wasCancelled = false
        /// When the body was told to stop, or had ended, or the lease had.
        var stopped: Instant?
        /// When the lease made no claim any more: its body had ended, it was released or lost, its process was killed.
        var over: Instant?
        var bodyEnded: Instant?
        /// When its node was gone at the leader.
        var deleted: Instant?

        /// The times for which it said to hold, in order.
        var claims: [Claim] {
            var claims: [Claim] = []
            for (told, until) in deadlines {
                if let over, told >= over { break }
                let end = [until, over].compactMap { $0 }.min()
                if let last = claims.last, last.end.map({ told <= $0 }) ?? true {
                    claims[claims.count - 1].end = end
                } else {
                    claims.append(Claim(contender: contender, start: told, end: end))
                }
            }
            return claims.filter { claim in claim.end.map { $0 > claim.start } ?? true }
        }

        /// The first deadline that was neither moved in time nor kept.
        var missedDeadline: Instant? {
            for (index, deadline) in deadlines.enumerated() {
                guard let until = deadline.until else { continue }
                let next = index + 1 < deadlines.count ? deadlines[index + 1].told : nil
                if let next, next <= until { continue }
                if let stopped, stopped <= until { return nil }
                return until
            }
            return nil
        }
    }

    struct Wait {
        var contender: Contender
        var start: Instant
        /// When it was told how it ended.
        var end: Instant?
    }

    /// What a contender was told of its znode.
    struct Entry {
        var node: NodePath
        var czxid: Int64
        var told: Instant
    }

    struct Place {
        var contender: Contender
        var czxid: Int64
        /// When it was not in the queue any more, or held; `nil`: never.
        var left: Instant?

        func waits(at instant: Instant) -> Bool { left.map { $0 > instant } ?? true }

        func waitsLess(than other: Place) -> Bool {
            guard let left else { return false }
            return other.left.map { left < $0 } ?? true
        }
    }

    /// By their start.
    private(set) var holds: [Hold] = []
    /// By their start.
    private(set) var waits: [Wait] = []
    private(set) var writes: [(token: FencingToken, isAccepted: Bool)] = []
    /// The last instant of the history, or the first there ever was.
    private(set) var end: Instant
    private var entries: [Contender: [Entry]] = [:]
    private var created: Set<NodePath> = []
    private var deleted: [NodePath: Instant] = [:]
    private var holdOf: [Contender: Int] = [:]
    private var waitOf: [Contender: Int] = [:]
    private var crashed: Set<Contender> = []

    init(_ history: LockHistory) {
        // Of two events at one instant the one that was learned first.
        let events = history.events.enumerated()
            .sorted { ($0.element.instant, $0.offset) < ($1.element.instant, $1.offset) }.map(\.element)
        end = events.last?.instant ?? .now
        for event in events { add(event.kind, at: event.instant) }
        for index in holds.indices {
            guard let node = entries[holds[index].contender]?.last?.node else { continue }
            holds[index].deleted = deleted[node]
        }
    }

    private mutating func add(_ kind: LockHistory.Kind, at instant: Instant) {
        switch kind {
        case .asked(let contender):
            startWait(contender, instant)
        case .entered(let contender, let node, let czxid):
            startWait(contender, instant)
            // A contender hears of the place that it has once more when it has looked at the queue again.
            guard entries[contender]?.last?.czxid != czxid else { break }
            entries[contender, default: []].append(Entry(node: node, czxid: czxid, told: instant))
        case .granted(let contender, let token, let validUntil):
            startWait(contender, instant)
            endWait(contender, instant)
            holdOf[contender] = holds.count
            holds.append(Hold(contender: contender, token: token, start: instant, deadlines: [(instant, validUntil)]))
        case .renewed(let contender, let validUntil):
            change(contender) { $0.deadlines.append((instant, validUntil)) }
        case .cancelled(let contender):
            change(contender) {
                $0.wasCancelled = true
                $0.stopped = $0.stopped ?? instant
            }
        case .bodyEnded(let contender):
            change(contender) { $0.bodyEnded = $0.bodyEnded ?? instant }
            endHold(contender, instant)
        case .released(let contender), .lost(let contender):
            endHold(contender, instant)
        case .gaveUp(let contender):
            startWait(contender, instant)
            endWait(contender, instant)
        case .crashed(let contender):
            crashed.insert(contender)
            endWait(contender, instant)
            endHold(contender, instant)
        case .nodeCreated(let node):
            created.insert(node)
        case .nodeDeleted(let node):
            deleted[node] = deleted[node] ?? instant
        case .write(let token, let isAccepted):
            writes.append((token, isAccepted))
        }
    }

    private mutating func startWait(_ contender: Contender, _ instant: Instant) {
        guard waitOf[contender] == nil else { return }
        waitOf[contender] = waits.count
        waits.append(Wait(contender: contender, start: instant))
    }

    private mutating func endWait(_ contender: Contender, _ instant: Instant) {
        guard let index = waitOf[contender] else { return }
        waits[index].end = waits[index].end ?? instant
    }

    private mutating func change(_ contender: Contender, _ change: (inout Hold) -> Void) {
        guard let index = holdOf[contender] else { return }
        change(&holds[index])
    }

    private mutating func endHold(_ contender: Contender, _ instant: Instant) {
        change(contender) {
            $0.stopped = $0.stopped ?? instant
            $0.over = $0.over ?? instant
        }
    }

    /// All claims, by their start.
    var claims: [Claim] { holds.flatMap(\.claims).sorted { $0.start < $1.start } }

    /// All places whose end is known, or that were kept to the end, by `czxid`.
    func places(lag: Duration) -> [Place] {
        entries.flatMap { contender, entries -> [Place] in
            let granted = holdOf[contender].map { holds[$0].start }
            let hasEnded = crashed.contains(contender) || waitOf[contender].flatMap { waits[$0].end } != nil
            return entries.enumerated().compactMap { index, entry -> Place? in
                let isLast = index == entries.count - 1
                let seen = deleted[entry.node].map { $0 - lag }
                // Whoever enters again has no other place at that time.
                let gone = isLast ? seen : seen.map { min($0, entries[index + 1].told) }
                // One that held waited until then; what became of its node is nothing to the queue.
                if isLast, let granted { return Place(contender: contender, czxid: entry.czxid, left: granted) }
                // Nobody saw when this place was lost: it lays no claim.
                if gone == nil, !isLast || hasEnded { return nil }
                return Place(contender: contender, czxid: entry.czxid, left: gone)
            }
        }.sorted { $0.czxid < $1.czxid }
    }

    /// The nodes that were seen at the leader and stayed, though nobody waits or holds with them.
    var orphans: [NodePath] {
        var used: Set<NodePath> = []
        for (contender, entries) in entries where isActive(contender) {
            if let node = entries.last?.node { used.insert(node) }
        }
        return created.filter { deleted[$0] == nil && !used.contains($0) }.sorted { $0.string < $1.string }
    }

    private func isActive(_ contender: Contender) -> Bool {
        if let index = holdOf[contender] { return holds[index].over == nil }
        return waitOf[contender].map { waits[$0].end == nil } ?? false
    }
}
