import ZooKeeper

/// Holding together with others: telling who is behind that permits are taken, and becoming a reader.
///
/// A semaphore's waiters each watch the one ahead, and only the first of them, the *front*, watches all who hold. When the front is granted
/// its permits, the one behind still takes it for one who waits, and hears nothing of the holders; so whoever is granted permits *pokes* its own
/// node, away from the path of the grant. A waiter sets its watch, and lists behind it: if that list shows the one ahead as one who waits, the
/// poke is still to come, and the watch is there to see it.
extension QueueMachine {
    enum Poke: Hashable, Sendable {
        case due, underway
    }

    struct Replacement: Hashable, Sendable {
        var name: String
        var isUnderway: Bool
    }

    mutating func pokeIfDue() {
        guard poke == .due, isConnected else { return }
        switch phase {
        case .held(let own, _), .proving(let own), .stalled(.prove(let own)), .resting(.prove(let own)):
            poke = .underway
            actions.append(.poke(own.name))
        default:
            break
        }
    }

    mutating func poked(_ name: String, _ result: Result<Void, RequestFailure>) {
        guard poke == .underway else { return }
        switch result {
        case .success:
            poke = nil
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown || failure.code == .badVersion:
            poke = .due
            attempts += 1
            if isConnected { actions.append(.pause(.backOff(attempt: attempts), step: step)) }
            return
        case .failure(let failure):
            poke = nil
            // A node that is gone tells those behind by that.
            if failure.code != .noNode { actions.append(.cannotPoke(name, failure)) }
        }
        watchWhatMatters()
    }

    // MARK: From writer to reader

    /// The reader's node takes the writer's place, with the writer's number, as Curator does it: ahead of all who wait. In one transaction, so
    /// that nobody finds the place empty. Whoever waits for the writer lists again when its node is gone.
    mutating func downgrade() {
        guard case .held(let own, isLost: false) = phase, policy.claim == .write, replacement == nil,
            let name = ContenderName(own.name)?.downgraded
        else {
            return actions.append(.tellDowngrade(.failure(RequestFailure(.invalidArgument))))
        }
        replacement = Replacement(name: name, isUnderway: false)
        replaceIfDue()
    }

    mutating func replaceIfDue() {
        guard let name = replacement?.name, replacement?.isUnderway == false, isConnected,
            case .held(let own, _) = phase
        else { return }
        replacement?.isUnderway = true
        actions.append(.replace(own.name, with: name))
    }

    mutating func replaced(_ name: String, _ result: Result<Void, RequestFailure>) {
        guard replacement?.name == name, case .held(let own, let isLost) = phase else { return }
        switch result {
        case .success:
            replaced(own, by: name, isLost)
        case .failure(let failure) where failure.code == .nodeExists:
            // The answer to an earlier attempt was lost: nobody else has this name.
            replaced(own, by: name, isLost)
        case .failure(let failure) where failure.isTransient || failure.outcomeIsUnknown:
            replacement?.isUnderway = false
            attempts += 1
            if isConnected { actions.append(.pause(.backOff(attempt: attempts), step: step)) }
        case .failure(let failure):
            dropReplacement(failure)
            // What was to be replaced may be gone.
            watches[own.name] = nil
            watchWhatMatters()
        }
    }

    private mutating func replaced(_ own: Own, by name: String, _ isLost: Bool) {
        // It is the same grant, and the same token.
        let reader = Own(name: name, czxid: own.czxid)
        replacement = nil
        policy.claim = .read
        watches[own.name] = nil
        become(.held(reader, isLost: isLost))
        actions.append(.tellDowngrade(.success(reader)))
        watchWhatMatters()
    }

    /// Nothing will come of it any more.
    mutating func dropReplacement(_ failure: RequestFailure) {
        guard replacement != nil else { return }
        replacement = nil
        actions.append(.tellDowngrade(.failure(failure)))
    }
}
