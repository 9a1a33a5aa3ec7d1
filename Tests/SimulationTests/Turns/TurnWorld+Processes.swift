import ZooKeeper

@testable import ZooKeeperLocks

extension TurnWorld {
    // MARK: Tasks

    mutating func ask(_ number: Int, _ task: Int) {
        let tries = random.chance(10)
        switch processes[number].machine.ask(task, mayWait: !tries) {
        case .taken(let turn): began(number, task, turn)
        case .waits(let ticket, _):
            processes[number].tasks[task] = .waiting(ticket: ticket)
            processes[number].line.append(task)
        case .refused: processes[number].roundsLeft[task] -= 1
        }
        carryOut(number)
    }

    mutating func leave(_ number: Int, _ task: Int) {
        guard case .waiting(let ticket) = processes[number].tasks[task] else { return }
        switch processes[number].machine.leave(ticket, at: now) {
        case .left: gone(number, task)
        case .withdraws: processes[number].tasks[task] = .leaving
        case .tooLate: break
        }
        processes[number].line.removeAll { $0 == task }
        withdrawals += 1
        carryOut(number)
    }

    mutating func end(_ number: Int, _ task: Int) {
        guard case .holding(let turn) = processes[number].tasks[task] else { return }
        processes[number].lost.remove(turn)
        gone(number, task)
        processes[number].machine.ended(turn, at: now)
        carryOut(number)
    }

    private mutating func gone(_ number: Int, _ task: Int) {
        processes[number].tasks[task] = .idle
        processes[number].roundsLeft[task] -= 1
    }

    // MARK: What the turn machine wants

    mutating func carryOut(_ number: Int) {
        while case let actions = processes[number].machine.takeActions(), !actions.isEmpty {
            for action in actions { carryOut(number, action) }
        }
    }

    private mutating func carryOut(_ number: Int, _ action: Machine.Action) {
        switch action {
        case .grant(let task, let turn): began(number, task, turn)
        case .lose(let turn, _):
            losses += 1
            processes[number].lost.insert(turn)
        case .enter(let node, let onlyIfAvailable):
            processes[number].contenders[node] = QueueMachine(onlyIfAvailable: onlyIfAvailable)
            post(number, node, .enter(uuid: "\(number)-\(node)-\(processes[number].session)", isConnected: true))
        case .withdraw(let node, let task):
            processes[number].leaving[node] = task
            post(number, node, .giveUp(.cancelled))
        case .giveBack(let node):
            if case .held(let own, _) = processes[number].contenders[node]?.phase {
                processes[number].previous = own.name
            }
            post(number, node, .release)
        case .fail(let tasks, _):
            for task in tasks {
                gone(number, task)
                processes[number].line.removeAll { $0 == task }
            }
        case .look(let node): processes[number].requests.append(.look(node: node))
        case .wake(let due): processes[number].wakes.append(due)
        }
    }

    // MARK: What the queue machines want

    mutating func post(_ number: Int, _ node: Int, _ event: QueueMachine.Event) {
        // Whose lease is over gets nothing granted, until there is another session.
        let isValid = !processes[number].isDoomed
        let actions = processes[number].contenders[node]?.handle(event, leaseIsValid: isValid) ?? []
        for action in actions { carryOut(number, node, action) }
    }

    private mutating func carryOut(_ number: Int, _ node: Int, _ action: QueueMachine.Action) {
        switch action {
        case .create, .list, .listAndWatch, .watch, .look, .delete, .prove, .barrier, .readNode, .makeParents, .poke,
            .replace:
            processes[number].requests.append(.ask(node: node, action))
        case .tellPosition(_, let view):
            let isOwn = view.predecessor.map { $0.string == processes[number].previous } ?? false
            if view.ahead - (isOwn ? 1 : 0) > 0 { processes[number].hasWaited.insert(node) }
        case .grant(let own):
            let hasWaited = processes[number].hasWaited.contains(node)
            (processes[number].turns, processes[number].uncounted) = (0, hasWaited ? 0 : nil)
            processes[number].isTold = false
            processes[number].machine.granted(node, czxid: own.czxid, hasWaited: hasWaited)
            settled(number, node)
        case .lose(let reason):
            processes[number].machine.lost(node, reason)
            carryOut(number)
        case .depart(let departure, _):
            processes[number].machine.departed(node, isTaken: departure == .unavailable)
            settled(number, node)
        case .yield(let own):
            for other in processes[number].contenders.keys.sorted()
            where processes[number].contenders[other]?.awaited == own.name {
                post(number, other, .predecessorYielded(own.name))
            }
        case .awaitSession:
            post(number, node, .enter(uuid: "\(number)-\(node)-\(processes[number].session)", isConnected: true))
        case .end: processes[number].contenders[node] = nil
        case .pause(_, let step): post(number, node, .paused(step: step))
        case .tellDowngrade, .tellRevocation, .leaveBehind, .cannotPoke, .displaced: break
        }
    }

    /// Whoever left as the last has waited for this.
    private mutating func settled(_ number: Int, _ node: Int) {
        carryOut(number)
        if let task = processes[number].leaving.removeValue(forKey: node) { gone(number, task) }
    }

    // MARK: The server

    mutating func serve(_ number: Int) {
        guard !processes[number].isOver else { return processes[number].requests = [] }
        let session = processes[number].session
        switch processes[number].requests.removeFirst() {
        case .look(let node):
            // Read and watched in one; the own znode may be gone again.
            _ = server.watch(.init(process: number, session: session, node: node, name: nil))
            processes[number].answers.append(.look(node: node, isAlone: server.names.count <= 1))
        case .ask(let node, let action):
            guard let event = answer(number, session, node, action) else { return }
            processes[number].answers.append(.event(node: node, event))
        }
    }

    private mutating func answer(
        _ number: Int, _ session: Int, _ node: Int, _ action: QueueMachine.Action
    ) -> QueueMachine.Event? {
        switch action {
        case .create(let prefix):
            let (own, fired) = server.create(prefix, session: session)
            tell(fired)
            return .created(.success(own))
        case .list(let step): return .listed(step: step, .success(QueueListing(server.names)))
        case .watch(let name, _):
            let isThere = server.watch(.init(process: number, session: session, node: node, name: name))
            return .watched(name, isThere ? .success(()) : .failure(RequestFailure(.noNode)))
        case .look(let step): return .looked(step: step, .success(ParentData(server.data)))
        case .prove(let own, let step):
            let isThere = server.names.contains(own.name)
            return .proved(step: step, isThere ? .success(()) : .failure(RequestFailure(.noNode)))
        case .delete(let name, let recording):
            guard let fired = server.delete(name, recording: recording) else {
                return .deleted(name: name, .failure(RequestFailure(.noNode)))
            }
            tell(fired)
            return .deleted(name: name, .success(()))
        default:
            blame("nobody asks for \(action) here")
            return nil
        }
    }

    /// An event goes ahead of the answers that come later.
    mutating func tell(_ fired: [TurnServer.Watcher]) {
        for watcher in fired
        where processes[watcher.process].session == watcher.session && !processes[watcher.process].isOver {
            let answer: Answer =
                watcher.name.map { .event(node: watcher.node, .changed($0, .deleted)) }
                ?? .look(node: watcher.node, isAlone: false)
            processes[watcher.process].answers.append(answer)
        }
    }

    mutating func hear(_ number: Int) {
        switch processes[number].answers.removeFirst() {
        case .event(let node, let event): post(number, node, event)
        case .look(let node, let isAlone):
            if case .held(node, _) = processes[number].machine.node, !isAlone {
                processes[number].isTold = true
                // The turn that is under way is the first that counts.
                let before = processes[number].turns - (processes[number].machine.holder == nil ? 0 : 1)
                processes[number].uncounted = processes[number].uncounted ?? before
            }
            isAlone ? processes[number].machine.sawNobody(node) : processes[number].machine.sawOthers(node)
        case .sessionEnded:
            processes[number].session += 1000
            processes[number].requests = []
            (processes[number].isDoomed, processes[number].isOver) = (false, false)
            for node in processes[number].contenders.keys.sorted() {
                post(number, node, .sessionEnded(.sessionExpired))
            }
        }
        carryOut(number)
    }
}
