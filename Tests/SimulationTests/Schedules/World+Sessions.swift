import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// A client with its session, as `Session` and the C client under it behave.
struct Client {
    enum Link: Hashable {
        case down
        /// The handshake is under way.
        case associating(ConnectionID)
        case connected(ConnectionID)

        var connection: ConnectionID? {
            switch self {
            case .down: nil
            case .associating(let connection), .connected(let connection): connection
            }
        }

        var isConnected: Bool { if case .connected = self { true } else { false } }
    }

    enum Asker: Hashable {
        case contender(Int, entry: Int, Inquiry)
        /// The watch on the lock's path that goes by this number; see `Vacancy`.
        case vacancy(Int)
        case read
        case proof(of: [String])

        var isProof: Bool { if case .proof = self { true } else { false } }
    }

    struct Request: Hashable {
        var number: Int
        var asker: Asker
        var request: ServerRequest
        var start: Int64 = 0
        var deadline: Int64
        /// Of the removal of a node that nobody was ahead of: its number.
        var leaves: Int32?
        /// The server does not take it.
        var isThrottled = false
        /// Nobody waits for the answer any more.
        var isAbandoned = false
    }

    enum Watcher: Hashable {
        case contender(Int, entry: Int, Inquiry)
        case vacancy(Int)
    }

    let number: Int
    var link = Link.down
    var session: Int64 = 0
    /// As asked for, and then as agreed.
    var timeout: Int64
    var lastZxid: Int64 = 0
    /// What has arrived shows the ensemble as of this write at least.
    var hasSeen: Int64 = 0
    var outstanding: [Request] = []
    var parked: [Request] = []
    var watches = ClientWatches<Watcher>()
    /// By `get`, in this connection.
    var watchedHere: Set<NodePath> = []
    var followers: [World.Follower] = []
    var lease: LeaseClock<Moment>
    var vacancy: Vacancy
    /// The last watch on the path that was asked for, and the last one that was forgotten as the connection was lost.
    var lastVacancyWatch = 0
    var lastForgottenWatch = 0
    var lastReceived: Int64 = 0
    var lastRenewal: Int64 = 0
    var frozenUntil: Int64 = 0
    var attempts = 0

    init(number: Int, _ setting: Setting, rules: Rules) {
        self.number = number
        var vacancy = rules.vacancy
        if let patience = setting.vacancyPatience { vacancy.patience = patience }
        self.vacancy = Vacancy(vacancy)
        timeout = setting.timeout
        var configuration = LeaseClock<Moment>.Configuration()
        if setting.tickIsKnown { configuration.tick = .milliseconds(setting.tick) }
        lease = LeaseClock(timeout: .milliseconds(timeout), configuration: configuration, rules: rules.lease)
    }

    func isValid(at now: Int64, confirmed: Bool = false) -> Bool {
        (confirmed ? lease.confirmedUntil : lease.validUntil).map { $0.milliseconds > now } ?? false
    }

    var leaseText: String {
        let (until, confirmed) = (lease.validUntil?.milliseconds, lease.confirmedUntil?.milliseconds)
        return "until \(until.map { "\($0)" } ?? "never"), confirmed \(confirmed.map { "\($0)" } ?? "never")"
    }

    var isConfirmed: Bool { lease.validUntil != nil && lease.validUntil == lease.confirmedUntil }
}

extension World {
    // MARK: Connecting

    mutating func reconnect(_ number: Int, _ attempt: Int) {
        guard clients[number].link == .down, clients[number].attempts == attempt else { return }
        let members = model.members.keys.sorted().filter { model.members[$0]?.isServing == true }
        guard let member = random.element(of: members), let connection = model.open(with: member) else {
            return comeBack(number, in: 50)
        }
        clients[number].lease.sawNoConnection(at: Moment(now))
        clients[number].link = .associating(connection)
        clients[number].lastReceived = now
        note("client \(number) connects with member \(member.number)")
        model.send(
            .connect(
                session: clients[number].session, timeout: setting.timeout, lastZxid: clients[number].lastZxid),
            on: connection)
    }

    mutating func comeBack(_ number: Int, in delay: Int64) {
        clients[number].attempts += 1
        agenda.add(.reconnect(client: number, attempt: clients[number].attempts), at: now + delay)
    }

    /// The connection is over: what was asked on it has no answer any more.
    mutating func lose(_ number: Int) {
        guard let connection = clients[number].link.connection else { return }
        note("client \(number) has lost its connection")
        let wasConnected = clients[number].link.isConnected
        model.breakConnection(connection)
        clients[number].link = .down
        clients[number].lease.disconnected()
        clients[number].vacancy.disconnected()
        clients[number].watchedHere = []
        clients[number].lastForgottenWatch = clients[number].lastVacancyWatch
        comeBack(number, in: 1 + random.within(0...(setting.reconnectDelay ?? setting.timeout / 20)))
        guard wasConnected else { return }
        for contender in attached(to: number) { post(contender, .suspended, of: contenders[contender].entry) }
        let failed = clients[number].outstanding
        clients[number].outstanding = []
        for request in failed { fail(request, .connectionLost, isSent: true) }
        disappointFollowers(.connectionLost, number)
    }

    func attached(to number: Int) -> [Int] {
        contenders.indices.filter { contenders[$0].client == number && contenders[$0].isObserving }
    }

    mutating func endSession(_ number: Int) {
        note("client \(number) learns that its session has expired")
        judge.sessionsEnded += 1
        let (outstanding, parked) = (clients[number].outstanding, clients[number].parked)
        let (hasSeen, attempts) = (clients[number].hasSeen, clients[number].attempts)
        if let connection = clients[number].link.connection { model.breakConnection(connection) }
        let observers = attached(to: number)
        let entries = contenders.map(\.entry)
        // The next session begins; what the old one has still to say comes while it does, or before.
        clients[number] = Client(number: number, setting, rules: rules)
        clients[number].hasSeen = hasSeen
        clients[number].attempts = attempts
        comeBack(number, in: random.within(0...20))
        for contender in observers { post(contender, .sessionEnded(.sessionExpired), of: entries[contender]) }
        for request in outstanding { fail(request, .sessionExpired, isSent: true) }
        for request in parked { fail(request, .sessionExpired, isSent: false) }
    }

    // MARK: Packets

    mutating func receive(_ packet: ServerPacket, _ number: Int) {
        clients[number].lastReceived = now
        switch packet {
        case .connected(let session, let timeout): connected(number, session, timeout)
        case .expired: endSession(number)
        case .closed: lose(number)
        case .answer(let request, let zxid, let result):
            clients[number].lastZxid = max(clients[number].lastZxid, zxid)
            clients[number].hasSeen = max(clients[number].hasSeen, zxid)
            guard let index = clients[number].outstanding.firstIndex(where: { $0.number == request }) else { return }
            answered(number, clients[number].outstanding.remove(at: index), result)
        case .event(let event):
            if event.kind == .deleted, let zxid = judge.deletions[String(event.path.name)] {
                clients[number].hasSeen = max(clients[number].hasSeen, zxid)
            }
            clients[number].watchedHere.remove(event.path)
            for watcher in clients[number].watches.take(event) {
                switch watcher {
                case .contender(let contender, let entry, let inquiry):
                    if let told = inquiry.event(event.kind) { post(contender, told, of: entry) }
                case .vacancy(let attempt):
                    if attempt > clients[number].lastForgottenWatch { clients[number].vacancy.watchIsOver(attempt) }
                }
            }
        case .pong, .authenticated, .watchesSet: break
        }
    }

    private mutating func connected(_ number: Int, _ session: Int64, _ timeout: Int64) {
        guard case .associating(let connection) = clients[number].link else { return }
        note("client \(number) is connected, session \(session)")
        clients[number].session = session
        clients[number].timeout = timeout
        clients[number].lease.connected(timeout: .milliseconds(timeout))
        if let packet = clients[number].watches.packet(lastZxid: clients[number].lastZxid) {
            model.send(.setWatches(packet), on: connection)
        }
        clients[number].link = .connected(connection)
        let parked = clients[number].parked
        clients[number].parked = []
        for request in parked { send(request, number) }
        for contender in attached(to: number) { post(contender, .connected, of: contenders[contender].entry) }
    }

    private mutating func answered(_ number: Int, _ request: Client.Request, _ result: Result<Reply, Refusal>) {
        let result = request.isThrottled ? .failure(.server(.throttled)) : result
        if result.isAnswer {
            clients[number].lease.answered(
                from: Moment(request.start), to: Moment(now), isProof: request.request.isWrite && result.code == nil)
            note(
                """
                client \(number) has an answer to \(request.request.isWrite ? "a write" : "a read") of \(request.start); the lease: \
                \(clients[number].leaseText)
                """)
        }
        if case .proof(let stakes) = request.asker, case .failure(let refusal) = result, refusal.code == .noNode,
            let index = refusal.failedOperation, stakes.indices.contains(index)
        {
            missed(index, of: stakes, number)
        }
        if case .vacancy(let attempt) = request.asker { watched(number, attempt, request, result) }
        if case .contender(let contender, let entry, let inquiry) = request.asker {
            clients[number].watches.add(.contender(contender, entry: entry, inquiry), for: request.request, result)
            if case .get(let path, watch: true) = request.request, case .success = result {
                clients[number].watchedHere.insert(path)
            }
            guard !request.isAbandoned else {
                let answer = result.map { _ in }.mapError { RequestFailure($0.code) }
                return answerFollowers(of: request.request, answer, number)
            }
            if case .replace(_, let reader) = inquiry, case .delete = request.request, case .success = result {
                // The second step; see `Rules.downgradesInTwoSteps`.
                let node = Self.path.appending(unchecked: reader)
                return submit(.create(node, data: [], mode: .ephemeral, acl: [.open]), for: request.asker, number)
            }
            let answer: Result<Answer, RequestFailure> = result.map { reply in
                reply.answer(of: clients[number].session)
            }.mapError { refusal in
                RequestFailure(refusal.code, outcomeIsUnknown: refusal.mayBeExecuted && inquiry.isWrite)
            }
            if let last = request.leaves, case .success = result { left(number, last) }
            // The parent of the path is the root, which is there: one create does.
            if case .makeParents = inquiry, case .failure(let failure) = answer, failure.code == .nodeExists {
                post(contender, inquiry.event(.success(.done)), of: entry)
            } else {
                let isFirst = isFirst(number, contender, answer)
                post(contender, inquiry.event(answer, isFirst: isFirst), of: entry)
            }
            answerFollowers(of: request.request, answer.map { _ in }, number)
        }
    }

    mutating func fail(_ request: Client.Request, _ code: ZooKeeperError.Code, isSent: Bool) {
        guard !request.isAbandoned, case .contender(let contender, let entry, let inquiry) = request.asker else {
            return
        }
        let failure = RequestFailure(
            code, outcomeIsUnknown: isSent && request.request.isWrite, wasNeverSent: !isSent)
        post(contender, inquiry.event(.failure(failure)), of: entry)
    }

    // MARK: Requests

    mutating func submit(
        _ request: ServerRequest, for asker: Client.Asker, _ number: Int, leaves: Int32? = nil
    ) {
        var request = Client.Request(
            number: nextNumber(), asker: asker, request: request, deadline: now + 2 * setting.timeout, leaves: leaves)
        request.isThrottled = setting.throttled > 0 && !isQuiet && random.chance(setting.throttled)
        clients[number].link.isConnected ? send(request, number) : clients[number].parked.append(request)
    }

    private mutating func send(_ request: Client.Request, _ number: Int) {
        guard let connection = clients[number].link.connection else { return }
        var request = request
        request.start = now
        clients[number].outstanding.append(request)
        // In place of one that it does not take: something that changes nothing and is answered in its turn.
        let packet = request.isThrottled ? .exists(.root, watch: false) : request.request
        model.send(.request(number: request.number, packet), on: connection)
    }

    // MARK: Time

    /// Keeps the session alive, gives up a connection that is silent, and requests that have no answer.
    mutating func tend(_ number: Int) {
        agenda.add(.tend(client: number), at: now + setting.timeout / 24)
        let client = clients[number]
        if client.link == .down { clients[number].lease.sawNoConnection(at: Moment(now)) }
        let patience = client.link.isConnected ? 2 * client.timeout / 3 : client.timeout / 3
        if client.link != .down, now - client.lastReceived > patience { lose(number) }
        expireRequests(number)
        guard clients[number].link.isConnected else { return }
        let hasStake = contenders.contains { $0.client == number && $0.machine.stake != nil }
        let period = hasStake && !client.isConfirmed ? client.timeout * 7 / 80 : client.timeout / 6
        if now - client.lastRenewal >= period - client.timeout / 96 {
            clients[number].lastRenewal = now
            renew(number)
        }
    }

    /// The user asks for other things in this session, too.
    mutating func chat(_ number: Int) {
        guard !isQuiet, let chatter = setting.chatter else { return }
        agenda.add(.chat(client: number), at: now + 1 + random.waiting(mean: chatter))
        guard clients[number].link.isConnected, clients[number].outstanding.count < 8 else { return }
        let isWrite = random.below(setting.chatterWrites) == 0
        submit(isWrite ? .commit([.check(.root, version: nil)]) : .exists(.root, watch: false), for: .read, number)
    }

    /// What `Session`'s upkeep does: proves what is held, or about to be; asks anything where nothing is.
    private mutating func renew(_ number: Int) {
        let stakes = contenders.filter { $0.client == number }.compactMap { $0.machine.stake?.own.name }
        if stakes.isEmpty || clients[number].outstanding.contains(where: \.asker.isProof) {
            submit(.exists(.root, watch: false), for: .read, number)
        } else {
            prove(stakes, number)
        }
    }

    private mutating func prove(_ stakes: [String], _ number: Int) {
        let checks = stakes.map { Transaction.Operation.check(Self.path.appending(unchecked: $0), version: nil) }
        submit(.commit(checks), for: .proof(of: stakes), number)
    }

    /// One of the nodes is gone; the others are to be proven all the same.
    private mutating func missed(_ index: Int, of stakes: [String], _ number: Int) {
        let name = stakes[index]
        for contender in contenders.indices where contenders[contender].machine.stake?.own.name == name {
            guard contenders[contender].machine.stake?.isHeld == true else { continue }
            post(contender, .ownNodeGone, of: contenders[contender].entry)
        }
        let rest = stakes.filter { $0 != name }
        if !rest.isEmpty { prove(rest, number) }
    }

    private mutating func expireRequests(_ number: Int) {
        let now = now
        guard let first = (clients[number].outstanding + clients[number].parked).map(\.deadline).min(), first <= now
        else { return }
        let parked = clients[number].parked.filter { $0.deadline <= now }
        clients[number].parked.removeAll { $0.deadline <= now }
        var overdue: [Client.Request] = []
        for index in clients[number].outstanding.indices
        where clients[number].outstanding[index].deadline <= now && !clients[number].outstanding[index].isAbandoned {
            overdue.append(clients[number].outstanding[index])
            clients[number].outstanding[index].isAbandoned = true
        }
        for request in overdue {
            if case .vacancy(let attempt) = request.asker { clients[number].vacancy.watchIsOver(attempt) }
            fail(request, .requestTimedOut, isSent: true)
        }
        for request in parked { fail(request, .requestTimedOut, isSent: false) }
        disappointFollowers(.requestTimedOut, number)
    }
}

extension Result<Reply, Refusal> {
    fileprivate var code: ZooKeeperError.Code? { if case .failure(let refusal) = self { refusal.code } else { nil } }
    fileprivate var isAnswer: Bool { code.map(\.isAnswer) ?? true }
}

extension Reply {
    func answer(of session: Int64) -> Answer {
        switch self {
        case .created(let path, let stat): .created(.init(name: String(path.name), czxid: stat.czxid))
        case .children(let names, _): .names(names)
        case .stat(let stat): .node(czxid: stat.czxid, isOurs: stat.ephemeralOwner == session)
        case .data(let data, _): .data(ParentData(data))
        case .done, .acl, .committed: .done
        }
    }
}
