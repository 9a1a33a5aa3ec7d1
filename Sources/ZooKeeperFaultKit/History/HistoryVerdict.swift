public import ZooKeeper
public import ZooKeeperLocks

/// What is to be said against a history, and the margins in it.
public struct HistoryVerdict: Hashable, Sendable {
    public typealias Contender = LockHistory.Contender

    /// What a run of a lock with one holder at a time must keep to.
    public enum Rule: String, CaseIterable, Hashable, Sendable {
        /// Each grant has a larger token than all before it.
        case tokenOrder
        /// Nobody is granted the lock while somebody with a smaller `czxid` is waiting.
        case fifo
        /// No two leases say that they may be believed at the same instant.
        case overlap
        /// Every acquire ends, in time.
        case stuckWaiter
        /// No znode stays behind whose contender is at its end.
        case orphanNode
        /// What the lock protects refuses a token smaller than one that it has seen.
        case staleWrite
        /// What the lock protects takes a token that is as large as any that it has seen.
        case freshWrite
        /// A lease whose time runs out cancels its body first.
        case lateCancellation
        /// No lease says that it may be believed after the leader has deleted its znode.
        case heldAfterDeletion
    }

    public enum Violation: Hashable, Sendable {
        case tokenOrder(Contender, token: FencingToken, after: FencingToken)
        case fifo(Contender, overtaking: Contender)
        case overlap(Contender, Contender, for: Duration)
        /// `since`: when it asked for the lock, or was first seen to have a place.
        case stuckWaiter(Contender, since: ContinuousClock.Instant)
        case orphanNode(NodePath)
        case staleWrite(token: FencingToken, after: FencingToken)
        case freshWrite(token: FencingToken)
        /// `by`: how late it was stopped; `nil` for never.
        case lateCancellation(Contender, by: Duration?)
        case heldAfterDeletion(Contender, for: Duration)

        public var rule: Rule {
            switch self {
            case .tokenOrder: .tokenOrder
            case .fifo: .fifo
            case .overlap: .overlap
            case .stuckWaiter: .stuckWaiter
            case .orphanNode: .orphanNode
            case .staleWrite: .staleWrite
            case .freshWrite: .freshWrite
            case .lateCancellation: .lateCancellation
            case .heldAfterDeletion: .heldAfterDeletion
            }
        }
    }

    /// How long before the leader gave the lock away the body of a cancelled holder had ended.
    public struct Margin: Hashable, Sendable {
        public var contender: Contender
        /// From the end of the body to the deletion of its znode at the leader; negative when the body ended later.
        public var duration: Duration

        public init(_ contender: Contender, _ duration: Duration) {
            self.contender = contender
            self.duration = duration
        }
    }

    /// In the order of the rules, and for each rule in that of time.
    public internal(set) var violations: [Violation] = []
    /// One for each cancelled holder whose body's end and whose znode's deletion were seen, in the order of the grants.
    public internal(set) var margins: [Margin] = []
    /// How many grants there were.
    public internal(set) var grants = 0

    public var isClean: Bool { violations.isEmpty }

    public var smallestMargin: Duration? { margins.map(\.duration).min() }

    /// The middle one; of an even number the smaller of the two in the middle.
    public var medianMargin: Duration? {
        let sorted = margins.map(\.duration).sorted()
        return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }
}

extension HistoryVerdict: CustomStringConvertible {
    public var description: String {
        var lines = ["\(grants) grants, \(isClean ? "no violation" : "violations: \(violations.count)")"]
        lines += violations.map { "  \($0)" }
        if let smallestMargin, let medianMargin {
            lines.append(
                "\(margins.count) cancellations, from the end of the body to the deletion of the node: "
                    + "at least \(smallestMargin.inMilliseconds), median \(medianMargin.inMilliseconds)")
        }
        return lines.joined(separator: "\n")
    }
}

extension HistoryVerdict.Violation: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tokenOrder(let contender, let token, let before):
            "\(contender) was granted the lock with token \(token), after token \(before)"
        case .fifo(let contender, let other): "\(contender) was granted the lock while \(other) waited ahead of it"
        case .overlap(let one, let other, let time):
            "\(one) and \(other) both said to hold the lock, for \(time.inMilliseconds)"
        case .stuckWaiter(let contender, _): "\(contender) waited and was told nothing"
        case .orphanNode(let node): "\(node) was left behind"
        case .staleWrite(let token, let newest): "a write with token \(token) was accepted after one with \(newest)"
        case .freshWrite(let token): "a write with token \(token) was refused, though no larger one had come"
        case .lateCancellation(let contender, let time):
            "\(contender) was not stopped before its lease ran out"
                + (time.map { ", but \($0.inMilliseconds) later" } ?? "")
        case .heldAfterDeletion(let contender, let time):
            "\(contender) said to hold the lock until \(time.inMilliseconds) after its node was deleted"
        }
    }
}

extension Duration {
    fileprivate var inMilliseconds: String {
        let (seconds, attoseconds) = components
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}
