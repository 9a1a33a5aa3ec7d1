import ZooKeeper

/// The answer to the create was lost: is there a node or not?
///
/// First a write that a quorum decides, so that nothing older can still happen, then a listing behind it. Found: adopt it, if it
/// is this session's. Not found: create again under the same UUID.
extension QueueMachine {
    mutating func barrierPassed(_ result: Result<Void, RequestFailure>) {
        guard case .recovering(_, let listed, let isSecondLook) = phase else { return }
        become(.recovering(passed: result, listed: listed, isSecondLook: isSecondLook))
        settleRecovery()
    }

    mutating func settleRecovery() {
        guard case .recovering(let passed?, let listed?, let isSecondLook) = phase else { return }
        // An error is an answer too: it was decided like any other write.
        if case .failure(let failure) = passed, failure.isTransient {
            return takeAgain(.recover(isSecondLook: isSecondLook))
        }
        switch listed {
        case .success(let queue): settleRecovery(ours(queue), queue, isSecondLook)
        case .failure(let failure) where failure.code == .noNode: settleRecovery([], [], isSecondLook)
        case .failure(let failure) where failure.isTransient: takeAgain(.recover(isSecondLook: isSecondLook))
        case .failure(let failure):
            actions.append(.leaveBehind(ContenderName.prefix(uuid: uuid), failure))
            departure = departure ?? .failed(failure, operation: "children")
            finish()
        }
    }

    private func ours(_ queue: QueueListing) -> [ContenderName] {
        queue.contenders.filter { $0.belongs(to: uuid) }.sorted { $0.precedes($1) }
    }

    private mutating func settleRecovery(_ found: [ContenderName], _ queue: QueueListing, _ isSecondLook: Bool) {
        attempts = 0
        guard departure == nil else {
            for node in found { remove(node.string) }
            if found.isEmpty && !isSecondLook {
                become(.resting(.recover(isSecondLook: true)))
                return pause(.untilStragglersAreGone)
            }
            become(.leaving)
            return finishIfClean()
        }
        if let first = found.first {
            take(.adopt(name: first.string, queue: queue))
        } else {
            take(.enter)
        }
    }

    mutating func nodeRead(_ result: Result<(stat: Stat, isOurs: Bool), RequestFailure>) {
        guard case .adopting(let name, let queue) = phase else { return }
        switch result {
        case .success((_, isOurs: false)) where !rules.adoptsNodesOfOldSessions:
            // A node of an earlier session is about to vanish; it must not be taken for ours. It cannot have our name either.
            departure =
                departure
                ?? .failed(
                    RequestFailure(.internalInconsistency, detail: "\(name) belongs to another session"),
                    operation: "exists")
            finish()
        case .success((let stat, _)):
            let own = Own(name: name, czxid: stat.czxid)
            departure == nil ? decide(own, queue) : leave(own)
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            takeAgain(.adopt(name: name, queue: queue))
        case .failure(let failure) where failure.code == .noNode:
            departure == nil ? take(.enter) : finish()
        case .failure(let failure):
            departure = departure ?? .failed(failure, operation: "get")
            remove(name)
            become(.leaving)
            finishIfClean()
        }
    }
}
