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

    /// `nil` when `own` is not in `queue`: somebody removed it.
    ///
    /// - Parameter uuid: of a contender that may have more than one node.
    init?(
        _ queue: QueueListing, own: String, uuid: String?, policy: QueuePolicy = .exclusive,
        rules: QueueRules = .sound
    ) {
        guard let ownName = ContenderName(own), let ahead = queue.ahead(of: ownName, rules) else { return nil }
        self.ahead = ahead.count
        head = ahead.first ?? ownName
        if let uuid {
            for contender in queue.contenders where contender.belongs(to: uuid) && contender.string != own {
                if ahead.contains(contender) { earlierSibling = contender } else { laterSiblings.append(contender) }
            }
        }
        hasFollowers = queue.contenders.count - 1 - ahead.count > laterSiblings.count
        for contender in ahead.reversed() where policy.isInTheWay(contender, rules) {
            guard predecessor != nil else {
                predecessor = contender
                continue
            }
            forerunner = contender
            break
        }
        guard let predecessor else { return }
        if let permits = policy.permits {
            forerunner = nil
            let weight = ahead.reduce(0) { $0 + policy.weight($1) }
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
