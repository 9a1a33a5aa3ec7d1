import ZooKeeper

/// Leaving touches exactly the contender's own node, and goes on until that is gone or the session is.
extension QueueMachine {
    mutating func giveUp(_ reason: Departure) {
        guard departure == nil else { return }
        switch phase {
        case .held, .leaving, .ended:
            return
        case .idle, .betweenSessions, .makingParents, .stalled(.enter), .stalled(.makeParents), .resting:
            departure = reason
            finish()
        case .listing(let own), .approaching(let own, _, _), .waiting(let own, _), .stalled(.list(let own)),
            .stalled(.watch(let own, _, _)):
            departure = reason
            // Whoever waited in vain is told how many were ahead at the end.
            if reason == .timedOut { actions.append(.list(step: -1)) }
            leave(own)
        case .entering, .recovering, .adopting, .stalled(.recover), .stalled(.adopt):
            // There may be a node. It is known when the answer arrives.
            departure = reason
            if !isConnected { depart() }
        }
    }

    mutating func release() {
        guard case .held(let own) = phase else { return }
        departure = .released
        leave(own)
    }

    mutating func leave(_ own: Own) {
        become(.leaving)
        remove(own.name)
        if !isConnected { depart() }
    }

    /// The listing that was sent along with the removal.
    mutating func surveyed(_ result: Result<[String], RequestFailure>) {
        guard case .leaving = phase, !hasDeparted, case .success(let names) = result, let own = strays.keys.first else {
            return
        }
        lastView = QueueView(names, own: own, uuid: uuid) ?? lastView
    }

    // MARK: Removing nodes

    mutating func remove(_ name: String) {
        strays[name] = true
        actions.append(.delete(name))
    }

    mutating func removeStrays() {
        for (name, isUnderway) in strays where !isUnderway { remove(name) }
    }

    mutating func deleted(_ name: String, _ result: Result<Void, RequestFailure>) {
        guard strays[name] != nil else { return }
        switch result {
        case .success:
            strays[name] = nil
        case .failure(let failure) where failure.code == .noNode:
            // Also the answer to a second request, when the answer to the first was lost.
            strays[name] = nil
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            strays[name] = false
            attempts += 1
            actions.append(.pause(.backOff(attempt: attempts), step: step))
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
        actions.append(.depart(departure, lastView))
    }
}
