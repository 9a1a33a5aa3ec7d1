/// What the queue's safety rests on, one rule each. Only ``sound`` is ever used; the simulation swaps one at a time and has to notice.
struct QueueRules: Hashable, Sendable {
    /// The node in front is gone, so it is my turn: but it may have been a waiter that gave up.
    var grantsOnAnyDeletion = false
    /// What was watched in one connection counts in the next: but what happened in between is told in no particular order.
    var keepsArmsAcrossConnections = false
    /// A node under my name is mine: but it may be that of a session that is about to end.
    var adoptsNodesOfOldSessions = false
    /// Names are compared as text: but numbers become negative.
    var ordersByText = false
    /// Whoever gives up does not wait for its node to go.
    var forgetsCleanUp = false
    /// Any event of the node in front is a grant: but its data may have changed only.
    var grantsOnAnyEvent = false
    /// Whoever gives up says in the parent that it was the head.
    var recordsWhenGivingUp = false
    /// Each attempt to create has a UUID of its own: but the one before may have been executed.
    var usesNewUUIDOnRetry = false
    /// The own node is not looked after.
    var ignoresOwnNode = false
    /// A reader waits for locks, and not for writers.
    var readsPastWriters = false
    /// Whoever waits for permits watches the last of those who have them, and none of the others.
    var watchesOneHolder = false
    /// Whoever is granted permits does not tell the one behind, who takes it for one who waits.
    var forgetsPoke = false
    /// Whoever is let in at once has nobody ahead: but a reader may have other readers there.
    var takesHoldersForFirst = false

    static let sound = QueueRules()
}
