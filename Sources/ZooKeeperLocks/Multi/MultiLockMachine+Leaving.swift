import ZooKeeper

/// Leaving touches exactly the contender's own nodes: all in one transaction, or one by one where some are gone already. It goes on until all
/// are gone or the session is.
extension MultiLockMachine {
    mutating func giveUp(_ reason: QueueMachine.Departure) {
        guard departure == nil else { return }
        switch phase {
        case .held, .leaving(isReturning: false), .ended:
            return
        case .waiting, .proving, .stalled(.prove), .resting(.prove):
            departure = reason
            leave(nodes)
        case .identifying(let names, _):
            departure = reason
            leave(names.enumerated().map { Node(queue: $0, name: $1) })
        case .idle, .betweenSessions, .makingParents, .stalled(.enter), .stalled(.makeParents), .resting(.enter),
            .resting(.makeParents):
            departure = reason
            finish()
        case .entering, .recovering, .stalled(.recover), .resting(.recover), .leaving(isReturning: true):
            // There may be nodes. It is known when the answer arrives.
            departure = reason
            if !isConnected { depart() }
        }
    }

    mutating func release() {
        guard case .held(let isLost) = phase else { return }
        departure = .released
        let nodes = nodes
        guard !isLost else { return leave(nodes) }
        for node in nodes {
            actions.append(.inQueue(node.queue, .yield(QueueMachine.Own(name: node.name, czxid: czxid))))
        }
        leave(nodes, recording: queues.indices.filter { queues[$0].hasWaited && queues[$0].parentIsOurs == true })
    }

    mutating func leave(_ nodes: [Node], recording: [Int] = [], isReturning: Bool = false) {
        remember()
        let first = queues.indices.filter { queues[$0].firstNode != nil }
        forgetPlaces()
        become(.leaving(isReturning: isReturning))
        guard !nodes.isEmpty else { return finishIfClean() }
        for node in nodes { strays[node] = true }
        actions.append(.removeAll(nodes, recording: recording, first: first))
        if !isConnected { depart() }
    }

    /// How far it came, for whoever waited in vain.
    private mutating func remember() {
        guard let queue = culprit ?? queues.indices.first(where: { !heads.contains($0) }),
            queues.indices.contains(queue), let ahead = queues[queue].lastLook
        else { return }
        lastLook = (queue, ahead)
    }

    // MARK: Removing nodes

    mutating func removedAll(_ result: Result<Void, RequestFailure>) {
        guard case .leaving = phase else { return }
        switch result {
        case .success:
            strays = [:]
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            for node in strays.keys { strays[node] = false }
            attempts += 1
            pause(.backOff(attempt: attempts))
        case .failure:
            // One of them was gone, or a parent may not be written.
            for node in strays.keys { strays[node] = false }
            removeStrays()
        }
        finishIfClean()
    }

    mutating func removeStrays() {
        for node in strays.keys.sorted(by: { ($0.queue, $0.name) < ($1.queue, $1.name) }) where strays[node] == false {
            strays[node] = true
            actions.append(.remove(node))
        }
    }

    mutating func removed(_ node: Node, _ result: Result<Void, RequestFailure>) {
        guard strays[node] != nil else { return }
        switch result {
        case .success:
            strays[node] = nil
        case .failure(let failure) where failure.code == .noNode:
            // Also the answer to a second request, when the answer to the first was lost.
            strays[node] = nil
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            strays[node] = false
            attempts += 1
            actions.append(.pause(.backOff(attempt: attempts), step: step))
        case .failure(let failure):
            strays[node] = nil
            actions.append(.leaveBehind(node, failure))
        }
        finishIfClean()
    }

    private mutating func finishIfClean() {
        guard case .leaving(let isReturning) = phase, strays.isEmpty else { return }
        isReturning && departure == nil ? take(.enter) : finish()
    }

    // MARK: The end

    mutating func finish() {
        remember()
        forgetPlaces()
        depart()
        become(.ended)
        actions.append(.end)
    }

    mutating func depart() {
        guard let departure, !hasDeparted else { return }
        hasDeparted = true
        actions.append(.depart(departure, queue: culprit ?? lastLook?.queue, lastLook?.ahead))
    }
}
