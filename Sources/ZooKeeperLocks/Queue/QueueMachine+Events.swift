import ZooKeeper

/// What a contender hears, and what it asks for.
extension QueueMachine {
    enum Event: Sendable {
        /// Begin, in the session that there is now. `uuid` was never used before. `isVacant`: nobody else is expected in the queue.
        case enter(uuid: String, isConnected: Bool, isVacant: Bool = false)
        /// Begin in a place that somebody else has taken; see ``isPlaced``.
        case placed(Own, uuid: String, isConnected: Bool, Result<QueueListing, RequestFailure>)
        /// `isFirst`: it is known that nobody is ahead.
        case created(Result<Own, RequestFailure>, isFirst: Bool = false)
        case listed(step: Int, Result<QueueListing, RequestFailure>)
        case parentsMade(step: Int, Result<Void, RequestFailure>)
        /// The node is there, and watched from now on; or `noNode`.
        case watched(String, Result<Void, RequestFailure>)
        /// A watch has fired.
        case changed(String, WatchEvent.Kind)
        /// Somebody has written into that node, the own one, that this contender should give up.
        case revocationRequested(String, RevocationRequest)
        case looked(step: Int, Result<ParentData, RequestFailure>)
        /// The own node was written to.
        case poked(String, Result<Void, RequestFailure>)
        /// The writer that holds wants to be a reader from now on.
        case downgrade
        /// The reader's node is there in place of the writer's.
        case replaced(String, Result<Void, RequestFailure>)
        /// A contender of this very session that held is done: its node is about to go.
        case predecessorYielded(String)
        case proved(step: Int, Result<Void, RequestFailure>)
        /// The own node was found to be gone.
        case ownNodeGone
        /// That node was found to be gone; the own one may be another by now.
        case nodeGone(String)
        /// The lease may not be believed any more, although the session was not heard to end.
        case leaseEnded(LossReason)
        case barrierPassed(step: Int, Result<Void, RequestFailure>)
        /// `isOurs`: the node belongs to the session that there is now.
        case nodeRead(step: Int, Result<(stat: Stat, isOurs: Bool), RequestFailure>)
        case deleted(name: String, Result<Void, RequestFailure>)
        case paused(step: Int)
        case connected
        case suspended
        case sessionEnded(ZooKeeperError.Code)
        case giveUp(Departure)
        /// Whoever gave up has waited long enough for the clean-up.
        case patienceEnded
        case release
    }

    enum Action: Hashable, Sendable {
        /// Create the contender's node; in the same breath, without waiting for the answer, comes a `list`, unless nobody else is expected.
        case create(prefix: String)
        case list(step: Int)
        /// The same, and watch for those who come and go: a change comes back as one of ``QueueMachine/everybody``.
        case listAndWatch(step: Int)
        case makeParents(step: Int)
        /// Read a node and watch it. By `exists` only where reading is not allowed: it leaves a watch behind on a node that is
        /// gone.
        case watch(String, byExists: Bool)
        /// Read the parent's data.
        case look(step: Int)
        /// Write to the own node, whatever stands there, so that whoever watches it looks at the queue again.
        case poke(String)
        /// In one transaction: create a reader's node and delete the writer's.
        case replace(String, with: String)
        /// What has come of a downgrade.
        case tellDowngrade(Result<Own, RequestFailure>)
        /// A write that shows that the session lives, and the own node in it.
        case prove(Own, step: Int)
        /// A write that changes nothing, decided by a quorum: whatever was sent before a lost connection is decided then, or
        /// never. (`sync` is no such proof: a leader that was deposed answers it.)
        case barrier(step: Int)
        case readNode(String, step: Int)
        /// `recording`: in the same transaction, leave word in the parent that this node was the head.
        case delete(String, recording: Bool)
        /// The body has ended: whoever of this session is next may be told ahead of the delete.
        case yield(Own)
        /// Come back with `paused`.
        case pause(Pause, step: Int)
        // Several times as large as the others.
        indirect case tellPosition(Own, QueueView)
        case grant(Own)
        /// The lease is over although nobody released it.
        case lose(LossReason)
        /// Whoever holds is asked to give up.
        case tellRevocation(RevocationRequest)
        /// Tell whoever waits for the acquire or the release.
        case depart(Departure, QueueView.Ahead?)
        /// The session is over; come back with `enter` in the next one.
        case awaitSession
        /// The place in the queue is gone, or there are two, and it is not for this machine to find another. The last action.
        case displaced
        /// A node could not be removed; it stays until the session ends.
        case leaveBehind(String, RequestFailure)
        /// The own node may not be written to: whoever is behind learns late that permits are free.
        case cannotPoke(String, RequestFailure)
        /// Nothing of this contender is left.
        case end
    }

    enum Pause: Hashable, Sendable {
        /// The server was too busy, or something went wrong that should not have: try again soon, ever less often.
        case backOff(attempt: Int)
        /// Long enough for a request that was sent on a lost connection to be dead.
        case untilStragglersAreGone
        /// Until another proof may make the lease valid.
        case untilNextProof
    }
}
