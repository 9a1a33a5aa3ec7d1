import ZooKeeper

/// Waiting, and being granted without asking again.
///
/// A contender is *armed* when it knows, in this connection, that its predecessor's node and its own are both there and watched, and
/// that nobody is ahead of the predecessor. Then the deletion of the predecessor's node is the grant. Nothing less will do: the
/// predecessor may have been a waiter that gave up; the own node may have been removed by somebody; and what happened while there
/// was no connection is told afterwards in no particular order.
///
/// That nobody is ahead of the predecessor is known from the listing on entry, or else from watching the node ahead of that, the
/// *forerunner*: when that goes, the parent's data is read, away from the path of any grant. A holder that had to wait leaves its name
/// there in the transaction that deletes its node. If that is the forerunner or one behind it, all that were ahead of the predecessor are
/// gone, for whoever is gone stays gone. Otherwise a listing tells.
extension QueueMachine {
    struct Wait: Hashable, Sendable {
        var own: Own
        var predecessor: ContenderName
        /// The one ahead of the predecessor, as long as it may be there.
        var forerunner: ContenderName?
        /// Nobody is ahead of the predecessor any more.
        var predecessorIsHead: Bool
        var predecessorIsGone = false
        /// The forerunner is gone, and the parent is being read.
        var isLooking = false
    }

    mutating func wait(_ own: Own, _ view: QueueView) {
        hasWaited = true
        guard let predecessor = view.predecessor, case .afterPredecessor(let isLast) = view.turn else {
            // A list that was asked for before the watch was set may be older than what happened last.
            return watches[Self.everybody] == .set ? become(.front(own)) : take(.listAndWatch(own))
        }
        wait(Wait(own: own, predecessor: predecessor, forerunner: view.forerunner, predecessorIsHead: isLast))
    }

    private mutating func wait(_ wait: Wait) {
        let matters = [wait.own.name, wait.predecessor.string, wait.forerunner?.string]
        watches.keep { matters.contains($0) }
        if let part = ContenderName.uuid(uuid, in: wait.own.name) { attempt = part }
        become(.waiting(wait))
        watchWhatMatters()
        // Whether word may be left there is learned while there is time.
        if wait.predecessorIsHead, policy.excludesAll, parentIsOurs == nil, isConnected {
            actions.append(.look(step: step))
        }
    }

    /// Asks for the watches that are missing. Without a connection they are asked for in the next one.
    mutating func watchWhatMatters() {
        guard isConnected else { return }
        switch phase {
        case .waiting(let wait):
            if !wait.predecessorIsGone { watch(wait.predecessor.string) }
            // Where every change means another list, the list tells of the own node, too.
            if !policy.isCounted { watch(wait.own.name) }
            if let forerunner = wait.forerunner { watch(forerunner.string) }
        case .held(let own, isLost: false):
            // What this contender writes itself is no news to it.
            if poke == nil { watch(own.name) }
        default:
            break
        }
    }

    private mutating func watch(_ name: String) {
        guard watches[name] == nil else { return }
        watches[name] = .asked(byExists: false)
        actions.append(.watch(name, byExists: false))
    }

    /// There is a new connection.
    mutating func resume(_ wait: Wait) {
        var wait = wait
        wait.isLooking = false
        // The forerunner is gone, and nobody has said yet who was ahead of it.
        guard wait.predecessorIsHead || (wait.forerunner != nil && !wait.predecessorIsGone) else {
            return take(.list(wait.own))
        }
        become(.waiting(wait))
        watchWhatMatters()
        advance(wait)
    }

    // MARK: Watches

    mutating func watched(_ name: String, _ result: Result<Void, RequestFailure>) {
        guard case .asked(let byExists)? = watches[name] else { return }
        switch result {
        case .success:
            watches[name] = .set
            guard case .waiting(let wait) = phase else { return }
            // The list that is known may be older than the watch, and what happened in between has no event.
            policy.isCounted ? take(.list(wait.own)) : advance(wait)
        case .failure(let failure) where failure.code == .noNode:
            watches[name] = nil
            gone(name)
        case .failure(let failure) where failure.code == .notAuthorized && !byExists:
            watches[name] = .asked(byExists: true)
            actions.append(.watch(name, byExists: true))
        case .failure(let failure) where failure.isTransient:
            watches[name] = nil
            attempts += 1
            if isConnected { actions.append(.pause(.backOff(attempt: attempts), step: step)) }
        case .failure(let failure):
            watches[name] = .refused
            guard case .waiting(let wait) = phase else { return }
            guard name == wait.predecessor.string else { return advance(wait) }
            departure = .failed(failure, operation: "get")
            leave(wait.own)
        }
    }

    mutating func changed(_ name: String, _ kind: WatchEvent.Kind) {
        guard watches[name] == .set else { return }
        watches[name] = nil
        if name == Self.everybody {
            if case .front(let own) = phase { take(.list(own)) }
            return
        }
        switch kind {
        case .deleted: gone(name)
        case .dataChanged, .created, .childrenChanged, .other:
            if rules.grantsOnAnyEvent, case .waiting(let wait) = phase, name == wait.predecessor.string {
                return gone(name)
            }
            if policy.isCounted, case .waiting(let wait) = phase { return take(.list(wait.own)) }
            watchWhatMatters()
        }
    }

    private mutating func gone(_ name: String) {
        switch phase {
        case .waiting(var wait):
            if name == wait.own.name {
                if !rules.ignoresOwnNode { take(.enter) }
            } else if name == wait.predecessor.string {
                wait.predecessorIsGone = true
                advance(wait)
            } else if name == wait.forerunner?.string {
                wait.isLooking = true
                become(.waiting(wait))
                actions.append(.look(step: step))
            }
        case .proving(let own), .stalled(.prove(let own)), .resting(.prove(let own)):
            if name == own.name { take(.enter) }
        case .held(let own, let isLost):
            // While a reader's node takes its place, the answer to that tells.
            guard name == own.name, !rules.ignoresOwnNode, replacement == nil else { return }
            if !isLost { actions.append(.lose(.nodeDeleted)) }
            // Other nodes may still have to go: that is no way back into the queue.
            if !strays.isEmpty { departure = departure ?? .released }
            finish()
        default:
            break
        }
    }

    mutating func ownNodeGone() {
        switch phase {
        case .waiting(let wait): gone(wait.own.name)
        case .front(let own): take(.list(own))
        case .proving(let own), .held(let own, _): gone(own.name)
        default: break
        }
    }

    mutating func nodeGone(_ name: String) {
        switch phase {
        case .waiting(let wait) where wait.own.name != name: break
        case .front(let own) where own.name != name: break
        case .proving(let own) where own.name != name: break
        case .held(let own, _) where own.name != name: break
        default: ownNodeGone()
        }
    }

    mutating func looked(_ result: Result<ParentData, RequestFailure>) {
        var lastHead: ContenderName?
        if case .success(let data) = result {
            parentPermits = .some(data.permits)
            // The word of a head would take the place of what a semaphore's parent says.
            parentIsOurs = data != .foreign && data.permits == nil
            if case .ours(let head, _) = data { lastHead = head }
        } else if case .failure(let failure) = result, !failure.isTransient, failure.code != .noNode {
            parentRefusal = failure
        }
        guard case .waiting(var wait) = phase, wait.isLooking, let forerunner = wait.forerunner else { return }
        guard let lastHead, !lastHead.precedes(forerunner) else { return take(.list(wait.own)) }
        wait.isLooking = false
        wait.forerunner = nil
        wait.predecessorIsHead = true
        if !lastHead.precedes(wait.predecessor) { wait.predecessorIsGone = true }
        advance(wait)
    }

    mutating func predecessorYielded(_ name: String) {
        guard case .waiting(var wait) = phase, wait.predecessor.string == name else { return }
        // It held, and will never again.
        wait.predecessorIsHead = true
        wait.predecessorIsGone = true
        advance(wait)
    }

    // MARK: The grant

    private mutating func advance(_ wait: Wait) {
        become(.waiting(wait))
        guard wait.predecessorIsGone, isConnected else { return }
        guard wait.predecessorIsHead || rules.grantsOnAnyDeletion else {
            // Either it gave up, or news of the forerunner is on its way.
            return wait.isLooking ? () : take(.list(wait.own))
        }
        if rules.ignoresOwnNode { return grant(wait.own) }
        switch watches[wait.own.name] {
        case .set: grant(wait.own)
        case .asked: break
        case .refused, nil: take(.list(wait.own))
        }
    }

    /// Nobody is ahead.
    mutating func grant(_ own: Own) {
        guard leaseIsValid else { return take(.prove(own)) }
        become(.held(own, isLost: false))
        actions.append(.grant(own))
        tellRevocation(own)
        watchWhatMatters()
    }

    mutating func proved(_ result: Result<Void, RequestFailure>) {
        guard case .proving(let own) = phase else { return }
        switch result {
        case .success where leaseIsValid:
            grant(own)
        case .success:
            become(.resting(.prove(own)))
            pause(.untilNextProof)
        case .failure(let failure) where failure.code == .noNode:
            take(.enter)
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            takeAgain(.prove(own))
        case .failure(let failure):
            departure = .failed(failure, operation: "check")
            leave(own)
        }
    }

    /// The node that the contender waits for; whoever of the same session holds by it may say that it is done before the servers do.
    var awaited: String? {
        if case .waiting(let wait) = phase, !wait.predecessorIsGone { wait.predecessor.string } else { nil }
    }

    struct Stake: Hashable, Sendable {
        var own: Own
        var isHeld: Bool
    }

    /// The node that the session should prove to live in short intervals, and whether something is held by it: that of a holder, and of
    /// whoever may be granted without another question.
    var stake: Stake? {
        switch phase {
        case .held(let own, isLost: false): Stake(own: own, isHeld: true)
        case .proving(let own): Stake(own: own, isHeld: false)
        // Many readers may be next at the same time, and a write of each of them in each sixth of a timeout is too much.
        case .waiting(let wait)
        where wait.predecessorIsHead && policy.excludesAll && watches[wait.own.name] == .set:
            Stake(own: wait.own, isHeld: false)
        case .front(let own): Stake(own: own, isHeld: false)
        default: nil
        }
    }

    mutating func leaseEnded(_ reason: LossReason) {
        guard case .held(let own, isLost: false) = phase else { return }
        become(.held(own, isLost: true))
        actions.append(.lose(reason))
    }
}
