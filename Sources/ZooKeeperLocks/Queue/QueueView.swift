/// What one listing of the lock's children means for one contender.
struct QueueView: Hashable, Sendable {
    /// How many contenders are ahead.
    var ahead = 0
    /// The one directly ahead; `nil` for the head of the queue.
    var predecessor: ContenderName?
    /// The one directly ahead of the predecessor; `nil` when that one is the head.
    var forerunner: ContenderName?
    /// The one who holds, or will next.
    var head: ContenderName
    /// Other nodes of the same attempt to enter, ahead of this one and behind it: a lost answer made the client create twice.
    var earlierSibling: ContenderName?
    var laterSiblings: [ContenderName] = []

    /// `nil` when `own` is not among `names`: somebody removed it.
    init?(_ names: [String], own: String, uuid: String, rules: QueueRules = .sound) {
        func isAhead(_ one: ContenderName, _ other: ContenderName) -> Bool {
            rules.ordersByText ? one.string.suffix(10) < other.string.suffix(10) : one.precedes(other)
        }
        guard let ownName = ContenderName(own) else { return nil }
        head = ownName
        var isListed = false
        for name in names {
            guard let contender = ContenderName(name) else { continue }
            if name == own {
                isListed = true
                continue
            }
            guard isAhead(contender, ownName) else {
                if contender.belongs(to: uuid) { laterSiblings.append(contender) }
                continue
            }
            if contender.belongs(to: uuid) { earlierSibling = contender }
            ahead += 1
            if isAhead(contender, head) { head = contender }
            if let known = predecessor, !isAhead(known, contender) {
                if forerunner.map({ isAhead($0, contender) }) ?? true { forerunner = contender }
            } else {
                forerunner = predecessor
                predecessor = contender
            }
        }
        guard isListed else { return nil }
    }
}
