/// What one listing of the lock's children means for one contender.
struct QueueView: Hashable, Sendable {
    /// When it is this contender's turn, as far as the listing tells.
    enum Turn: Hashable, Sendable {
        case now
        /// Not before the predecessor is gone. `isLast`: and then at once, for nobody else is in the way, or can come to be.
        case afterPredecessor(isLast: Bool)
        /// When enough of those ahead are gone; all of them hold.
        case afterSome
    }

    /// What is kept for whoever waited in vain.
    struct Ahead: Hashable, Sendable {
        var count: Int
        var head: String
    }

    /// How many contenders are ahead.
    var ahead = 0
    /// The one directly ahead of those that are in the way; `nil` when nobody is.
    var predecessor: ContenderName?
    /// The one directly ahead of the predecessor, where it is worth watching; `nil` when that one is the head.
    var forerunner: ContenderName?
    /// The one who holds, or will next.
    var head: ContenderName
    var turn = Turn.now
    /// Somebody is behind, and may have taken this contender for one who waits.
    var hasFollowers = false
    /// Other nodes of the same attempt to enter, ahead of this one and behind it: a lost answer made the client create twice.
    var earlierSibling: ContenderName?
    var laterSiblings: [ContenderName] = []

    /// `nil` when `own` is not among `names`: somebody removed it.
    init?(
        _ names: [String], own: String, uuid: String, policy: QueuePolicy = .exclusive, rules: QueueRules = .sound
    ) {
        func isAhead(_ one: ContenderName, _ other: ContenderName) -> Bool {
            rules.ordersByText ? one.string.suffix(10) < other.string.suffix(10) : one.precedes(other)
        }
        guard let ownName = ContenderName(own) else { return nil }
        head = ownName
        var isListed = false
        var weight = 0
        for name in names {
            guard let contender = ContenderName(name) else { continue }
            if name == own {
                isListed = true
                continue
            }
            guard isAhead(contender, ownName) else {
                if contender.belongs(to: uuid) { laterSiblings.append(contender) } else { hasFollowers = true }
                continue
            }
            if contender.belongs(to: uuid) { earlierSibling = contender }
            ahead += 1
            weight += policy.weight(contender)
            if isAhead(contender, head) { head = contender }
            guard policy.isInTheWay(contender, rules) else { continue }
            if let known = predecessor, !isAhead(known, contender) {
                if forerunner.map({ isAhead($0, contender) }) ?? true { forerunner = contender }
            } else {
                forerunner = predecessor
                predecessor = contender
            }
        }
        guard isListed else { return nil }
        guard let predecessor else { return }
        if let permits = policy.permits {
            forerunner = nil
            turn =
                weight + policy.weight(ownName) <= permits
                ? .now : weight <= permits && !rules.watchesOneHolder ? .afterSome : .afterPredecessor(isLast: false)
        } else {
            turn = .afterPredecessor(isLast: forerunner == nil && policy.isConclusive(predecessor))
            if !policy.watchesForerunner(of: predecessor) { forerunner = nil }
        }
    }

    var summary: Ahead { Ahead(count: ahead, head: head.string) }
}
