import ZooKeeper

extension QueueMachine {
    mutating func enter(_ uuid: String, _ isConnected: Bool, _ isVacant: Bool) {
        switch phase {
        case .idle, .betweenSessions: break
        // It was given up before there was a session.
        case .ended: return actions.append(.end)
        default: return
        }
        guard departure == nil else { return finish() }
        self.uuid = uuid
        mayHaveTwoNodes = false
        self.isConnected = isConnected
        // A semaphore's parent has to be read all the same.
        self.isVacant = isVacant && !policy.isCounted
        take(.enter)
    }

    mutating func placed(
        _ own: Own, _ uuid: String, _ isConnected: Bool, _ listed: Result<QueueListing, RequestFailure>
    ) {
        guard case .idle = phase else { return }
        self.uuid = uuid
        self.isConnected = isConnected
        // Whoever has taken the place knows; here it is looked at once more.
        mayHaveTwoNodes = true
        settle(own, listed)
    }

    mutating func displace() {
        become(.ended)
        actions.append(.displaced)
    }

    mutating func created(_ result: Result<Own, RequestFailure>, _ isFirst: Bool) {
        guard case .entering(_, let listed) = phase else { return }
        if isVacant, departure != nil, case .success(let own) = result {
            survey()
            return leave(own)
        }
        become(.entering(created: result, listed: isVacant ? listing(after: result, isFirst) : listed))
        settleEntry()
    }

    /// What a listing says that was not asked for; `nil`: it has to be.
    private mutating func listing(
        after created: Result<Own, RequestFailure>, _ isFirst: Bool
    ) -> Result<QueueListing, RequestFailure>? {
        isVacant = false
        switch created {
        case .success(let own) where isFirst: return .success([own.name])
        case .failure(let failure): return .failure(failure)
        case .success:
            list()
            return nil
        }
    }

    mutating func listed(_ result: Result<QueueListing, RequestFailure>) {
        switch phase {
        case .entering(let created, _):
            become(.entering(created: created, listed: result))
            settleEntry()
        case .listing(let own):
            settle(own, result)
        case .recovering(let passed, _, let isSecondLook):
            become(.recovering(passed: passed, listed: result, isSecondLook: isSecondLook))
            settleRecovery()
        default:
            break
        }
    }

    /// Both answers are there: that of the create and that of the list which was sent right behind it.
    private mutating func settleEntry() {
        guard case .entering(let created?, let listed?) = phase else { return }
        switch created {
        case .success(let own):
            parentAttempts = 0
            guard departure == nil else {
                if case .success(let queue) = listed {
                    lastLook = QueueView(queue, own: own.name, uuid: nil, policy: policy, rules: rules)?.summary
                }
                return leave(own)
            }
            settle(own, listed)
        case .failure(let failure) where failure.outcomeIsUnknown && rules.usesNewUUIDOnRetry:
            uuid += "x"
            take(.enter)
        case .failure(let failure) where failure.outcomeIsUnknown:
            mayHaveTwoNodes = true
            take(.recover(isSecondLook: false))
        case .failure where departure != nil:
            finish()
        case .failure(let failure) where failure.code == .noNode:
            parentAttempts += 1
            parentAttempts <= Self.maximumParentAttempts ? take(.makeParents) : fail(failure, "create")
        case .failure(let failure) where failure.isTransient:
            takeAgain(.enter)
        case .failure(let failure):
            fail(failure, "create")
        }
    }

    mutating func parentsMade(_ result: Result<Void, RequestFailure>) {
        guard case .makingParents = phase else { return }
        switch result {
        case .success: take(.enter)
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown: takeAgain(.makeParents)
        case .failure(let failure): fail(failure, "create")
        }
    }

    /// A listing that was made while the own node stood in the queue.
    mutating func settle(_ own: Own, _ listed: Result<QueueListing, RequestFailure>) {
        if case .asked = watches[Self.everybody] {
            if case .success = listed { watches[Self.everybody] = .set } else { watches[Self.everybody] = nil }
        }
        switch listed {
        case .success(let queue):
            attempts = 0
            decide(own, queue)
        case .failure(let failure) where failure.code == .noNode:
            // The node was removed, and its parent too: back to the end of the queue.
            take(.enter)
        case .failure(let failure) where failure.isTransient:
            takeAgain(.list(own))
        case .failure(let failure):
            departure = .failed(failure, operation: "children")
            leave(own)
        }
    }

    mutating func decide(_ own: Own, _ queue: QueueListing) {
        guard ContenderName(own.name)?.sequence != .last else {
            // ZooKeeper 3.8 gives everybody this number from now on: nobody can tell any more who came first.
            let detail =
                "2^31 - 1 contenders have entered here: when the queue is empty, delete the lock's path to begin anew"
            departure = .failed(RequestFailure(.sequenceExhausted, detail: detail), operation: "create")
            return leave(own)
        }
        if let permits = policy.permits {
            guard let found = parentPermits else {
                guard let refusal = parentRefusal else { return takeAgain(.list(own)) }
                departure = .failed(refusal, operation: "get")
                return leave(own)
            }
            guard found == permits else {
                departure = .disagrees(found: found)
                return leave(own)
            }
        }
        let siblings = mayHaveTwoNodes || rules.adoptsNodesOfOldSessions ? uuid : nil
        guard let view = QueueView(queue, own: own.name, uuid: siblings, policy: policy, rules: rules) else {
            // Somebody removed the node. Whoever is in its place now was behind it.
            return take(.enter)
        }
        lastLook = view.summary
        let hasNobodyAhead = view.ahead == 0 || rules.takesHoldersForFirst && view.turn == .now
        if hasNobodyAhead, !policy.isCounted { firstNode = own.name }
        if isPlaced, view.earlierSibling != nil || !view.laterSiblings.isEmpty { return displace() }
        if let earlier = view.earlierSibling {
            // The first attempt made a node after all, and its place is the better one.
            remove(own.name)
            return take(.adopt(name: earlier.string, queue: queue))
        }
        for sibling in view.laterSiblings { remove(sibling.string) }
        actions.append(.tellPosition(own, view))
        if case .now = view.turn {
            if policy.isCounted, view.hasFollowers, !rules.forgetsPoke { poke = .due }
            grant(own)
            return pokeIfDue()
        }
        guard !onlyIfAvailable else {
            departure = .unavailable
            return leave(own)
        }
        wait(own, view)
    }

    private mutating func fail(_ failure: RequestFailure, _ operation: String) {
        departure = .failed(failure, operation: operation)
        finish()
    }
}

extension RequestFailure {
    /// The same request may be made again: in the same session, or in the next one, as the news of a session's end may come
    /// after an answer that tells of it.
    var isTransient: Bool {
        switch code {
        case .connectionLost, .requestTimedOut, .throttled, .sessionMoved, .notReadOnly: true
        case .sessionExpired, .authenticationFailed, .notZooKeeper, .closed: true
        default: false
        }
    }
}
