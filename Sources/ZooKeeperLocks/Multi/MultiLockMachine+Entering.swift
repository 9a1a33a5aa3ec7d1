import ZooKeeper

/// Entering all queues, and finding out what came of it when the answer is lost.
extension MultiLockMachine {
    mutating func enter(_ uuid: String, _ isConnected: Bool, _ isVacant: Bool) {
        switch phase {
        case .idle, .betweenSessions: break
        // It was given up before there was a session.
        case .ended: return actions.append(.end)
        default: return
        }
        guard departure == nil else { return finish() }
        self.uuid = uuid
        self.isConnected = isConnected
        self.isVacant = isVacant
        take(.enter)
    }

    mutating func created(_ result: Result<Entered, RequestFailure>, _ isFirst: Bool) {
        guard case .entering(_, var look) = phase else { return }
        if isVacant { complete(&look, after: result, isFirst) }
        become(.entering(created: result, look))
        settleEntry()
    }

    /// With what the listings say that were not asked for, where that is known.
    private mutating func complete(_ look: inout Look, after created: Result<Entered, RequestFailure>, _ isFirst: Bool)
    {
        isVacant = false
        switch created {
        case .success(let entered) where isFirst: look.listed = entered.names.map { .success([$0]) }
        case .failure(let failure): look.listed = Array(repeating: .failure(failure), count: count)
        case .success: actions.append(.list(step: step))
        }
    }

    mutating func looked(_ note: (inout Look) -> Void) {
        switch phase {
        case .entering(let created, var look):
            note(&look)
            become(.entering(created: created, look))
            settleEntry()
        case .recovering(let passed, var look, let isSecondLook):
            note(&look)
            become(.recovering(passed: passed, look, isSecondLook: isSecondLook))
            settleRecovery()
        default:
            break
        }
    }

    private mutating func settleEntry() {
        guard case .entering(let created?, let look) = phase, look.all != nil else { return }
        switch created {
        case .success(let entered) where entered.names.count != count:
            fail(RequestFailure(.internalInconsistency, detail: "an answer of another kind"), "commit")
        case .success(let entered):
            settle(entered, look)
        case .failure(let failure) where failure.outcomeIsUnknown:
            take(.recover(isSecondLook: false))
        case .failure where departure != nil:
            finish()
        case .failure(let failure) where failure.code == .noNode:
            // The transaction names the first parent that is missing, and there may be more.
            parentAttempts += 1
            parentAttempts <= QueueMachine.maximumParentAttempts ? take(.makeParents) : fail(failure, "create")
        case .failure(let failure) where failure.isTransient:
            takeAgain(.enter)
        case .failure(let failure):
            fail(failure, "create")
        }
    }

    mutating func parentMade(_ queue: Int, _ result: Result<Void, RequestFailure>) {
        guard case .makingParents(var made) = phase else { return }
        made[queue] = result
        become(.makingParents(made))
        let all = made.compactMap { $0 }
        guard all.count == count else { return }
        let failed = all.enumerated().compactMap { queue, result -> (queue: Int, failure: RequestFailure)? in
            if case .failure(let failure) = result { (queue, failure) } else { nil }
        }
        if let (queue, failure) = failed.first(where: { !$0.failure.isTransient && !$0.failure.outcomeIsUnknown }) {
            culprit = queue
            fail(failure, "create")
        } else {
            failed.isEmpty ? take(.enter) : takeAgain(.makeParents)
        }
    }

    /// All queues are entered, under these names.
    private mutating func settle(_ entered: Entered, _ look: Look) {
        guard departure == nil else { return leave(nodes(named: entered.names)) }
        if let czxid = entered.czxid { return settle(entered.names, look, czxid: czxid) }
        step += 1
        become(.identifying(names: entered.names, look))
        actions.append(.identify(Node(queue: 0, name: entered.names[0]), step: step))
    }

    mutating func identified(_ result: Result<(czxid: Int64, isOurs: Bool), RequestFailure>) {
        guard case .identifying(let names, let look) = phase else { return }
        switch result {
        case .success((let czxid, isOurs: true)):
            settle(names, look, czxid: czxid)
        case .success:
            fail(
                RequestFailure(.internalInconsistency, detail: "\(names[0]) belongs to another session"), "exists",
                leaving: names)
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            // What was listed in the lost connection may be old.
            takeAgain(.recover(isSecondLook: false))
        case .failure(let failure) where failure.code == .noNode:
            take(.recover(isSecondLook: false))
        case .failure(let failure):
            fail(failure, "exists", leaving: names)
        }
    }

    private mutating func settle(_ names: [String], _ look: Look, czxid: Int64) {
        guard let listed = look.all, case .some(let found) = look.layout else { return }
        switch found {
        case .success(layout): place(names, listed, czxid: czxid)
        case .success(let other):
            departure = .stripesDisagree(found: other)
            leave(nodes(named: names))
        case .failure(let failure) where failure.isTransient: takeAgain(.recover(isSecondLook: false))
        case .failure(let failure) where failure.code == .noNode: take(.recover(isSecondLook: false))
        case .failure(let failure): fail(failure, "get", leaving: names)
        }
    }

    private func nodes(named names: [String]) -> [Node] {
        names.enumerated().map { Node(queue: $0, name: $1) }
    }

    private mutating func fail(_ failure: RequestFailure, _ operation: String, leaving names: [String] = []) {
        departure = .failed(failure, operation: operation)
        culprit = culprit ?? failure.failedOperation
        names.isEmpty ? finish() : leave(nodes(named: names))
    }

    // MARK: Is there something or not?

    mutating func barrierPassed(_ result: Result<Void, RequestFailure>) {
        guard case .recovering(_, let look, let isSecondLook) = phase else { return }
        become(.recovering(passed: result, look, isSecondLook: isSecondLook))
        settleRecovery()
    }

    private mutating func settleRecovery() {
        guard case .recovering(let passed?, let look, let isSecondLook) = phase, let listed = look.all else { return }
        // An error is an answer too: it was decided like any other write.
        if case .failure(let failure) = passed, failure.isTransient {
            return takeAgain(.recover(isSecondLook: isSecondLook))
        }
        var found: [Node] = []
        for (queue, result) in listed.enumerated() {
            switch result {
            case .success(let listing):
                found += listing.contenders.filter { $0.belongs(to: uuid) }.map(\.string).sorted()
                    .map { Node(queue: queue, name: $0) }
            case .failure(let failure) where failure.code == .noNode: break
            case .failure(let failure) where failure.isTransient:
                return takeAgain(.recover(isSecondLook: isSecondLook))
            case .failure(let failure):
                let prefix = policy.prefix(uuid: uuid)
                actions.append(.leaveBehind(Node(queue: queue, name: prefix), failure))
                culprit = queue
                departure = departure ?? .failed(failure, operation: "children")
            }
        }
        attempts = 0
        settleRecovery(found, look, isSecondLook)
    }

    private mutating func settleRecovery(_ found: [Node], _ look: Look, _ isSecondLook: Bool) {
        if departure != nil {
            guard found.isEmpty, !isSecondLook else { return leave(found) }
            become(.resting(.recover(isSecondLook: true)))
            return pause(.untilStragglersAreGone)
        }
        if found.isEmpty { return take(.enter) }
        // One in each queue, in the order of the queues: the transaction was executed, and nobody has touched what it made.
        guard found.map(\.queue) == Array(0..<count) else { return leave(found, isReturning: true) }
        settle(Entered(names: found.map(\.name)), look)
    }
}
