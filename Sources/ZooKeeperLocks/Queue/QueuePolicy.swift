/// How a queue is served: what a contender asks for, who of those ahead is in its way, and what tells it that they are gone.
///
/// All recipes are first come, first served; they differ in who may hold together. A policy is a value that a ``QueueMachine`` is made with
/// and that a ``QueueView`` asks.
struct QueuePolicy: Hashable, Sendable {
    var claim: Claim
    /// Of a semaphore: how many permits there are. Stored in the parent, and compared.
    var permits: Int?
    var naming = ContenderNaming.curator

    static let exclusive = QueuePolicy(claim: .exclusive)
    static let read = QueuePolicy(claim: .read)
    static let write = QueuePolicy(claim: .write)

    /// One of a semaphore of `total`.
    static func permits(_ count: Int, of total: Int) -> QueuePolicy {
        QueuePolicy(claim: .permits(count), permits: total)
    }

    /// Whether it is my turn only when that one, who is ahead, is gone. Of a semaphore it is the sum that counts.
    func isInTheWay(_ ahead: ContenderName, _ rules: QueueRules) -> Bool {
        switch claim {
        case .read: ahead.claim != .read && !(rules.readsPastWriters && ahead.claim == .write)
        case .exclusive, .write, .permits: true
        }
    }

    /// How many permits that one takes. One that knows of no permits wants to be alone.
    func weight(_ contender: ContenderName) -> Int {
        guard let permits else { return 0 }
        if case .permits(let count) = contender.claim { return count }
        return permits
    }

    /// Whether nobody can come in where `predecessor` was: with it gone, and nobody else in the way, it is my turn. A writer may become a
    /// reader in its own place, ahead of those who wait; other readers do not mind that one.
    func isConclusive(_ predecessor: ContenderName) -> Bool {
        claim == .read || predecessor.claim != .write
    }

    /// Whether the contender that is next but one is worth watching. Where those ahead hold one by one and leave in order, it is.
    func watchesForerunner(of predecessor: ContenderName) -> Bool {
        claim == .read || predecessor.claim == .exclusive
    }

    /// Whether it is sums that decide, of which a single node tells little: whatever happens to whom is watched, the queue is listed.
    var isCounted: Bool { permits != nil }

    /// Whether nobody else holds at the same time: then who holds is the head of the queue.
    var excludesAll: Bool { claim == .exclusive || claim == .write }

    /// What a parent is made with.
    var parentData: [UInt8] { permits.map(ParentData.semaphore) ?? ParentData.empty }

    func prefix(uuid: String) -> String { ContenderName.prefix(uuid: uuid, claim: claim, naming: naming) }
}
