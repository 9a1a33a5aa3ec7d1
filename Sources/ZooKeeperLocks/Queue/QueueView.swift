/// What one listing of the lock's children means for one contender.
struct QueueView: Hashable, Sendable {
    /// How many contenders are ahead.
    var ahead = 0
    /// The one directly ahead; `nil` for the head of the queue.
    var predecessor: ContenderName?
    /// The one who holds, or will next.
    var head: ContenderName
    /// Other nodes of the same attempt to enter, ahead of this one and behind it: a lost answer made the client create twice.
    var earlierSibling: ContenderName?
    var laterSiblings: [ContenderName] = []

    /// `nil` when `own` is not among `names`: somebody removed it.
    init?(_ names: [String], own: String, uuid: String) {
        guard let ownName = ContenderName(own) else { return nil }
        head = ownName
        var isListed = false
        for name in names {
            guard let contender = ContenderName(name) else { continue }
            if name == own {
                isListed = true
                continue
            }
            guard contender.precedes(ownName) else {
                if contender.belongs(to: uuid) { laterSiblings.append(contender) }
                continue
            }
            if contender.belongs(to: uuid) { earlierSibling = contender }
            ahead += 1
            if contender.precedes(head) { head = contender }
            if let known = predecessor, !known.precedes(contender) { continue }
            predecessor = contender
        }
        guard isListed else { return nil }
    }
}
