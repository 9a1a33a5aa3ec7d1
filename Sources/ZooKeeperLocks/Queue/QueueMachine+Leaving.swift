import ZooKeeper

/// Leaving touches exactly the contender's own node, and goes on until that is gone or the session is.
extension QueueMachine {
    mutating func giveUp(_ reason: Departure) {
        guard departure == nil else { return }
        switch phase {
        case .held, .leaving, .ended:
            return
        case .front(let own), .proving(let own), .stalled(.list(let own)),
            .stalled(.listAndWatch(let own)), .stalled(.prove(let own)), .resting(.prove(let own)):
            departure = reason
            leave(own)
        case .listing(let own):
            departure = reason
            survey()
            leave(own)
        case .waiting(let wait):
            departure = reason
            survey()
            leave(wait.own, recording: rules.recordsWhenGivingUp)
        case .idle, .betweenSessions, .makingParents, .stalled(.enter), .stalled(.makeParents), .resting:
            departure = reason
            finish()
        case .entering, .recovering, .adopting, .stalled(.recover), .stalled(.adopt):
            // There may be a node. It is known when the answer arrives.
            departure = reason
            if !isConnected { depart() }
        }
    }

    mutating func release() {
        guard case .held(let own, let isLost) = phase else { return }
        departure = .released
        guard !isLost else { return leave(own) }
        // One of several that hold is not the head, and says nothing of those ahead. A writer that is about to be a reader may have the
        // reader's node already, which whoever is next has to wait for.
        if policy.excludesAll, replacement == nil { actions.append(.yield(own)) }
        // Where nobody was ahead, whoever comes next has seen so.
        leave(own, recording: policy.excludesAll && hasWaited && parentIsOurs == true)
    }

    mutating func leave(_ own: Own, recording: Bool = false) {
        become(.leaving)
        poke = nil
        if rules.forgetsCleanUp, departure != .released { return finish() }
        remove(own.name, recording: recording)
        // Behind the other, without which the transaction that creates this one fails.
        if let name = replacement?.name { remove(name) }
        dropReplacement(RequestFailure(.noNode))
        if !isConnected { depart() }
    }

    /// Whoever waited in vain is told how many were ahead at the end.
    mutating func survey() {
        if departure == .timedOut { actions.append(.list(step: Self.survey)) }
    }

    /// The listing that was sent along with the removal.
    mutating func surveyed(_ result: Result<QueueListing, RequestFailure>) {
        guard case .leaving = phase, !hasDeparted, case .success(let queue) = result, let own = strays.keys.first else {
            return
        }
        lastLook = QueueView(queue, own: own, uuid: nil, policy: policy, rules: rules)?.summary ?? lastLook
    }

    // MARK: Removing nodes

    mutating func remove(_ name: String, recording: Bool = false) {
        strays[name] = Removal(isUnderway: true, recording: recording)
        actions.append(.delete(name, recording: recording))
    }

    mutating func removeStrays() {
        for name in strays.keys.sorted() where strays[name]?.isUnderway == false { remove(name) }
    }

    mutating func deleted(_ name: String, _ result: Result<Void, RequestFailure>) {
        guard let removal = strays[name] else { return }
        switch result {
        case .success:
            strays[name] = nil
        case .failure(let failure) where failure.code == .noNode:
            // Also the answer to a second request, when the answer to the first was lost.
            strays[name] = nil
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            strays[name]?.isUnderway = false
            attempts += 1
            actions.append(.pause(.backOff(attempt: attempts), step: step))
        case .failure where removal.recording:
            // The parent may not be written: the node goes without a word.
            remove(name)
        case .failure(let failure):
            strays[name] = nil
            actions.append(.leaveBehind(name, failure))
        }
        finishIfClean()
    }

    mutating func finishIfClean() {
        if case .leaving = phase, strays.isEmpty { finish() }
    }

    // MARK: The end

    mutating func finish() {
        depart()
        guard strays.isEmpty else { return become(.leaving) }
        become(.ended)
        actions.append(.end)
    }

    mutating func depart() {
        guard let departure, !hasDeparted else { return }
        hasDeparted = true
        actions.append(.depart(departure, lastLook))
    }
}
