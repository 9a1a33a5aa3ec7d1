/// What the turns within a process rest on, one rule each. Only ``sound`` is ever used; the simulation swaps one at a time and has to notice.
struct TurnRules: Hashable, Sendable {
    /// The process goes on as long as its own tasks want: but others wait.
    var ignoresBound = false
    /// A turn is granted although the znode is lost: but it may be somebody else's turn by now.
    var grantsAfterLoss = false
    /// When the znode is given back nobody queues again for those who still wait in this process.
    var forgetsWaiters = false
    /// All turns with one znode have the same token: but an old turn is stale, too.
    var keepsTurn = false
    /// When the last one who waits leaves, the entry into the queue is not withdrawn.
    var forgetsEntry = false
    /// A znode that nobody here uses is kept, whoever comes.
    var lingersOn = false

    static let sound = TurnRules()
}
