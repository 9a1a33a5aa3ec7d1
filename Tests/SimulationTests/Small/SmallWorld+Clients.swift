import ZooKeeper

@testable import ZooKeeperLocks

extension SmallWorld {
    // MARK: The session

    mutating func lose(_ number: Int) {
        note("client \(number) has lost its connection")
        clients[number].isConnected = false
        // What the server had forwarded is in the log; what it had not may still reach the leader.
        clients[number].stragglers = clients[number].toServer.filter(\.inquiry.isWrite)
        clients[number].toServer = []
        clients[number].toClient = []
        servers[number].pending = []
        servers[number].watches = []
        clients[number].vacancy?.disconnected()
        clients[number].watches.removeAll { $0.name == .parent }
        for index in clients[number].watches.indices { clients[number].watches[index].isCurrent = false }
        for index in log.indices where Int(log[index].origin) == number { log[index].origin = -1 }
        for contender in observers(of: number) { post(contender, .suspended) }
        let failed = clients[number].outstanding
        clients[number].outstanding = []
        for ask in failed { fail(ask, .connectionLost, isSent: true) }
        disappointFollowers(number)
    }

    func observers(of number: Int) -> [Int] {
        contestants.indices.filter {
            contestants[$0].client == number && contestants[$0].hasEntered && !contestants[$0].isOver
        }
    }

    mutating func fail(_ ask: SmallAsk, _ code: ZooKeeperError.Code, isSent: Bool) {
        // It was given up with the connection.
        if case .watchParent = ask.inquiry { return }
        let failure = RequestFailure(
            code, outcomeIsUnknown: isSent && ask.inquiry.isWrite, wasNeverSent: !isSent)
        guard contestants[Int(ask.contender)].entry == ask.entry else { return }
        post(Int(ask.contender), ask.inquiry.event(.failure(failure)))
    }

    mutating func reconnect(_ number: Int, _ isCatchingUp: Bool) {
        // The leader is asked whether the session lives; from then on it refuses what comes by way of the old server.
        clients[number].stragglers = []
        guard !expired.contains(clients[number].session) else { return endSession(number) }
        note("client \(number) is connected again")
        if isCatchingUp { catchUp(number) }
        clients[number].isConnected = true
        for watcher in clients[number].watches {
            if servers[number].tree.contains(watcher.name) || watcher.name == .everybody {
                if !servers[number].watches.contains(watcher.name) { servers[number].watches.append(watcher.name) }
            } else if !clients[number].toClient.contains(where: { $0.isDeletion(of: watcher.name) }) {
                clients[number].toClient.append(.deleted(watcher.name))
            }
        }
        let parked = clients[number].parked
        clients[number].parked = []
        clients[number].outstanding = parked
        clients[number].toServer = parked
        for contender in observers(of: number) { post(contender, .connected) }
    }

    private mutating func catchUp(_ number: Int) {
        while servers[number].applied < log.count {
            servers[number].tree.apply(log[servers[number].applied].change)
            servers[number].applied += 1
        }
    }

    private mutating func endSession(_ number: Int) {
        note("client \(number) learns that its session has expired")
        let old = clients[number]
        let entries = contestants.map(\.entry)
        catchUp(number)
        clients[number] = SmallClient(session: old.session + 8, vacancy: vacancyRules.map { Vacancy($0) })
        for contender in observers(of: number) where contestants[contender].entry == entries[contender] {
            post(contender, .sessionEnded(.sessionExpired))
        }
        // Whoever has entered again has another number by now, and hears nothing of these.
        for ask in old.parked { fail(ask, .sessionExpired, isSent: false) }
    }

    mutating func lapse(_ number: Int) {
        clients[number].leaseIsValid = false
        for contender in observers(of: number) where contestants[contender].isInBody && !contestants[contender].isLost {
            post(contender, .leaseEnded(.leaseExpired))
        }
    }

    mutating func deliver(_ number: Int) {
        switch clients[number].toClient.removeFirst() {
        case .answer(let ask, let result):
            clients[number].outstanding.removeFirst()
            if let name = ask.inquiry.watched, case .success = result {
                clients[number].watches.append(.init(ask: ask, name: name))
            }
            let isFirst = noteVacancy(number, ask, result)
            let answer = result.mapError { RequestFailure($0.code) }
            if contestants[Int(ask.contender)].entry == ask.entry {
                post(Int(ask.contender), ask.inquiry.event(answer, isFirst: isFirst))
            }
            answerFollowers(of: ask.inquiry, answer, number)
        case .deleted(let name): tell(number, name, .deleted)
        case .changed(let name): tell(number, name, name == .everybody ? .childrenChanged : .dataChanged)
        }
    }

    private mutating func tell(_ number: Int, _ name: Name, _ kind: WatchEvent.Kind) {
        let told = clients[number].watches.filter { $0.name == name }
        clients[number].watches.removeAll { $0.name == name }
        for watcher in told {
            if case .watchParent(let attempt) = watcher.ask.inquiry { clients[number].vacancy?.watchIsOver(attempt) }
        }
        for watcher in told where contestants[Int(watcher.ask.contender)].entry == watcher.ask.entry {
            guard let event = watcher.ask.inquiry.event(kind) else { continue }
            post(Int(watcher.ask.contender), event)
        }
    }

    // MARK: Contenders

    mutating func enter(_ number: Int) {
        contestants[number].hasEntered = true
        contestants[number].entry += 1
        contestants[number].own = nil
        contestants[number].untold = []
        let uuid = Name.uuid(number, contestants[number].entry)
        let isConnected = clients[contestants[number].client].isConnected
        let isVacant = clients[contestants[number].client].vacancy?.countOnIt() ?? false
        post(number, .enter(uuid: uuid, isConnected: isConnected, isVacant: isVacant))
    }

    mutating func endBody(_ number: Int) {
        contestants[number].isInBody = false
        contestants[number].hasEndedBody = true
        post(number, .release)
    }

    mutating func post(_ number: Int, _ event: QueueMachine.Event?) {
        guard let event else { return }
        note("c\(number) <- \(event)")
        let isValid = clients[contestants[number].client].leaseIsValid
        let hasNotAsked = contestants[number].machine.isVacant
        var joined: [QueueMachine.Event?] = []
        for action in contestants[number].machine.handle(event, leaseIsValid: isValid) {
            if hasNotAsked, case .grant = action { grantsWithoutList += 1 }
            guard let sharing = join(number, action) else {
                perform(number, action)
                continue
            }
            if case .isSet(let event) = sharing { joined.append(event) }
        }
        for event in joined { post(number, event) }
    }

    private mutating func perform(_ number: Int, _ action: QueueMachine.Action) {
        note("c\(number) -> \(action)")
        if contestants[number].isOver { find("c\(number) has ended, and wants \(action)") }
        let client = contestants[number].client
        if let inquiry = Inquiry(action) {
            var ask = SmallAsk(contender: UInt8(number), entry: contestants[number].entry, inquiry: inquiry)
            ask.leaves = isLeaving(number, client, inquiry)
            return submit(ask, client)
        }
        switch action {
        case .grant(let own): grant(number, own)
        case .lose: contestants[number].isLost = true
        case .yield(let own):
            for other in observers(of: client) where other != number { post(other, .predecessorYielded(own.name)) }
        case .pause(let pause, let step):
            // An older one would find another step, and do what this one does.
            contestants[number].pauses.removeAll {
                $0.pause != .untilStragglersAreGone && pause != .untilStragglersAreGone
            }
            contestants[number].pauses.append((step, pause))
        case .awaitSession: enter(number)
        case .tellDowngrade(.success(let own)): contestants[number].own = own
        case .depart(let departure, _):
            if contestants[number].hasDeparted { find("c\(number) departs twice") }
            contestants[number].hasDeparted = true
            if case .failed(let failure, let operation) = departure {
                find("c\(number) fails: \(failure.code) (\(operation))")
            }
        case .leaveBehind(let name, _): find("c\(number) leaves \(name) behind")
        case .end:
            contestants[number].isOver = true
            contestants[number].pauses = []
            if contestants[number].isInBody, !contestants[number].isLost { find("c\(number) ends during its body") }
            for node in tree.nodes where node.name.contender == number && node.session == clients[client].session {
                find("c\(number) has ended, and \(node.name.string) is still there")
            }
        default: break
        }
    }

    private mutating func find(_ text: String) {
        verdict = verdict ?? text
    }

    /// It is in its body, and its lease says that it may.
    private func believes(_ contestant: SmallContestant) -> Bool {
        let client = clients[contestant.client]
        return contestant.isInBody && !contestant.isLost && client.leaseIsValid && client.session == contestant.session
    }

    private mutating func grant(_ number: Int, _ own: QueueMachine.Own) {
        let client = contestants[number].client
        if contestants[number].isInBody || contestants[number].hasEndedBody { find("c\(number) is granted twice") }
        if contestants[number].hasDeparted { find("c\(number) has departed, and is granted") }
        contestants[number].own = own
        contestants[number].isInBody = true
        contestants[number].session = clients[client].session
        guard clients[client].leaseIsValid else { return find("c\(number) is granted without a lease") }
        let czxid = Int16(own.czxid)
        let name = Name(own.name)
        // It cannot know yet, and will be told in a moment.
        if deletedByHand.contains(name) { return }
        let policy = contestants[number].machine.policy
        if policy.excludesAll {
            if czxid <= lastToken { find("c\(number) is granted token \(czxid) after \(lastToken)") }
            lastToken = max(lastToken, czxid)
        }
        judgeCompany(of: number)
        guard let node = tree.nodes.first(where: { $0.name == name }) else {
            return find("c\(number) is granted without its node")
        }
        if node.czxid != czxid { find("c\(number) has the wrong token") }
        let ahead = inTheWay(of: policy, name) { ahead in
            let owner = contestants[Int(ahead.name.contender)]
            return owner.client == client && owner.hasEndedBody && owner.own?.name == ahead.name.string
        }
        if let ahead { find("c\(number) is granted, but \(ahead.string) is ahead") }
    }

    /// Who is in its body beside the one that has just been granted.
    private mutating func judgeCompany(of number: Int) {
        let company = contestants.indices.filter { other in
            guard other == number || believes(contestants[other]) else { return false }
            // Whose node was deleted by hand hears of it a moment later.
            return !(contestants[other].own.map { deletedByHand.contains(Name($0.name)) } ?? false)
        }
        guard company.count > 1 else { return }
        let claims = company.map { contestants[$0].machine.promise }
        let isSound =
            if let permits {
                claims.reduce(0) { if case .permits(let count) = $1 { $0 + count } else { $0 } } <= permits
            } else {
                claims.allSatisfy { $0 == .read }
            }
        if !isSound {
            find(
                "\(company.map { "c\($0)" }.joined(separator: " and ")) are in their bodies, and their leases are valid"
            )
        }
    }
}

extension SmallPacket {
    func isDeletion(of name: Name) -> Bool {
        if case .deleted(name) = self { true } else { false }
    }
}

extension Inquiry {
    /// What it sets a watch on.
    fileprivate var watched: Name? {
        switch self {
        case .watch(let name, _): Name(name)
        case .listAndWatch: .everybody
        case .watchParent: .parent
        default: nil
        }
    }
}
