import ZooKeeperLocks

/// Judges a history of a lock with one holder at a time, by nothing but what was seen.
///
/// ```swift
/// let verdict = HistoryChecker().verdict(on: recorder.history)
/// print(verdict)
/// #expect(verdict.isClean)
/// ```
public struct HistoryChecker: Hashable, Sendable {
    public typealias Rule = HistoryVerdict.Rule
    typealias Violation = HistoryVerdict.Violation

    /// What is judged. Leave out what the run breaks on purpose: a node that is deleted by hand, for example, is believed in until
    /// its holder learns of it.
    public var rules = Set(Rule.allCases)
    /// How long an acquire may take; `nil`: until the end of the history.
    public var patience: Duration?
    /// By how much what was seen at the leader may have been seen late. A waiter that gave up is not taken for one that waits from so
    /// long before its node was seen to be gone.
    public var observationLag = Duration.milliseconds(50)

    public init() {}

    /// - Parameter history: With its events in any order.
    public func verdict(on history: LockHistory) -> HistoryVerdict {
        let run = HistoryRun(history)
        var verdict = HistoryVerdict()
        verdict.grants = run.holds.count
        for rule in Rule.allCases where rules.contains(rule) { verdict.violations += violations(of: rule, in: run) }
        verdict.margins = run.holds.compactMap { hold in
            guard hold.wasCancelled, let ended = hold.bodyEnded, let deleted = hold.deleted else { return nil }
            return .init(hold.contender, deleted - ended)
        }
        return verdict
    }

    private func violations(of rule: Rule, in run: HistoryRun) -> [Violation] {
        switch rule {
        case .tokenOrder: tokenOrder(run)
        case .fifo: fifo(run)
        case .overlap: overlaps(run)
        case .stuckWaiter: stuckWaiters(run)
        case .orphanNode: run.orphans.map { .orphanNode($0) }
        case .staleWrite, .freshWrite: writes(run).filter { $0.rule == rule }
        case .lateCancellation: run.holds.compactMap(lateCancellation)
        case .heldAfterDeletion: run.holds.compactMap { heldAfterDeletion($0, in: run) }
        }
    }

    private func tokenOrder(_ run: HistoryRun) -> [Violation] {
        var violations: [Violation] = []
        var largest: FencingToken?
        for hold in run.holds {
            if let largest, hold.token <= largest {
                violations.append(.tokenOrder(hold.contender, token: hold.token, after: largest))
            }
            largest = max(largest ?? hold.token, hold.token)
        }
        return violations
    }

    private func fifo(_ run: HistoryRun) -> [Violation] {
        var violations: [(start: ContinuousClock.Instant, violation: Violation)] = []
        var places = run.places(lag: observationLag)[...]
        /// Of those with smaller tokens, the one that waited longest.
        var last: HistoryRun.Place?
        for hold in run.holds.sorted(by: { $0.token < $1.token }) {
            while let next = places.first, next.czxid < hold.token.rawValue {
                places = places.dropFirst()
                if last.map({ $0.waitsLess(than: next) }) ?? true { last = next }
            }
            guard let last, last.contender != hold.contender, last.waits(at: hold.start) else { continue }
            violations.append((hold.start, .fifo(hold.contender, overtaking: last.contender)))
        }
        return violations.sorted { $0.start < $1.start }.map(\.violation)
    }

    private func overlaps(_ run: HistoryRun) -> [Violation] {
        var violations: [Violation] = []
        var open: [HistoryRun.Claim] = []
        for claim in run.claims {
            // One that ends in the moment in which the next begins does not overlap it.
            open.removeAll { $0.end.map { $0 <= claim.start } ?? false }
            for other in open where other.contender != claim.contender {
                let end = [other.end, claim.end].compactMap { $0 }.min() ?? run.end
                violations.append(.overlap(other.contender, claim.contender, for: max(.zero, end - claim.start)))
            }
            open.append(claim)
        }
        return violations
    }

    private func stuckWaiters(_ run: HistoryRun) -> [Violation] {
        run.waits.compactMap { wait in
            if let end = wait.end, patience.map({ end - wait.start <= $0 }) ?? true { return nil }
            // It is not over, and may still end in time.
            if wait.end == nil, let patience, run.end - wait.start <= patience { return nil }
            return .stuckWaiter(wait.contender, since: wait.start)
        }
    }

    private func writes(_ run: HistoryRun) -> [Violation] {
        var violations: [Violation] = []
        var newest: FencingToken?
        for (token, isAccepted) in run.writes {
            if let newest, token < newest {
                if isAccepted { violations.append(.staleWrite(token: token, after: newest)) }
            } else if !isAccepted {
                violations.append(.freshWrite(token: token))
            }
            newest = max(newest ?? token, token)
        }
        return violations
    }

    private func lateCancellation(_ hold: HistoryRun.Hold) -> Violation? {
        guard let deadline = hold.missedDeadline else { return nil }
        return .lateCancellation(hold.contender, by: hold.stopped.map { $0 - deadline })
    }

    private func heldAfterDeletion(_ hold: HistoryRun.Hold, in run: HistoryRun) -> Violation? {
        guard let deleted = hold.deleted, let last = hold.claims.last else { return nil }
        let end = last.end ?? run.end
        return end > deleted ? .heldAfterDeletion(hold.contender, for: end - deleted) : nil
    }
}
