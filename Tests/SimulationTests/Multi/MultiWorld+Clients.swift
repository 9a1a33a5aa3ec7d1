import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// A client: its session, its connection, and what is on its way.
struct MultiClient {
    struct Watcher: Hashable, Sendable {
        /// `nil`: it is the client's own; see `Vacancy`.
        var actor: Int?
        var entry = 0
        var queue: Int?
        var inquiry: Inquiry
    }

    var session: Int64
    var connection: ConnectionID
    var isConnected = true
    /// What the lease clock says. The session ends only when it says no: that is its promise.
    var leaseIsValid = true
    var isExpired = false
    /// Sent, not arrived.
    var toServer: [MultiAsk] = []
    /// On the way back.
    var toClient: [MultiPacket] = []
    /// Not answered, as far as the client knows, in order.
    var outstanding: [MultiAsk] = []
    /// Waits for a connection.
    var parked: [MultiAsk] = []
    var watches = ClientWatches<Watcher>()
    /// By `get`, in this connection.
    var watchedHere: Set<NodePath> = []
    var followers: [MultiWorld.Follower] = []
    /// Writes of a lost connection that may still be executed.
    var stragglers: [MultiAsk] = []
    var lastZxid: Int64 = 0
    /// What it knows of the queues that it has had to itself.
    var vacancies: [NodePath: Vacancy] = [:]
}

extension MultiWorld {
    private func observers(of client: Int) -> [Int] {
        actors.indices.filter { actors[$0].client == client && actors[$0].entry > 0 && !actors[$0].isOver }
    }

    mutating func submit(_ ask: MultiAsk, _ client: Int) {
        guard clients[client].isConnected else { return clients[client].parked.append(ask) }
        clients[client].outstanding.append(ask)
        clients[client].toServer.append(ask)
    }

    mutating func lose(_ number: Int) {
        note("client \(number) has lost its connection")
        clients[number].isConnected = false
        // What the server had forwarded is in the log; what it had not may still reach the leader.
        clients[number].stragglers = clients[number].toServer.filter(\.request.isWrite)
        (clients[number].toServer, clients[number].toClient) = ([], [])
        clients[number].watchedHere = []
        servers[number].pending = []
        servers[number].watches.removeAll(of: clients[number].connection)
        for index in log.indices where log[index].origin == number { log[index].origin = nil }
        for path in paths { clients[number].vacancies[path]?.disconnected() }
        for actor in observers(of: number) { post(actor, .both(.suspended), of: actors[actor].entry) }
        let failed = clients[number].outstanding
        clients[number].outstanding = []
        for ask in failed { fail(ask, .connectionLost, isSent: true) }
        disappointFollowers(number)
    }

    private mutating func fail(_ ask: MultiAsk, _ code: ZooKeeperError.Code, isSent: Bool) {
        let failure = RequestFailure(code, outcomeIsUnknown: isSent && ask.request.isWrite, wasNeverSent: !isSent)
        let count = actors[ask.actor].paths.count
        post(ask.actor, ask.question.post(.failure(failure), session: 0, count: count), of: ask.entry)
    }

    mutating func reconnect(_ number: Int) {
        // The leader is asked whether the session lives; from then on it refuses what comes by way of the old server.
        clients[number].stragglers = []
        guard !clients[number].isExpired else { return endSession(number) }
        note("client \(number) is connected again")
        if random.chance(50) { catchUp(number) }
        // A server that is behind what the client has seen does not take it.
        if servers[number].tree.lastZxid < clients[number].lastZxid { catchUp(number) }
        lastConnection += 1
        clients[number].connection = ConnectionID(lastConnection)
        clients[number].isConnected = true
        if let packet = clients[number].watches.packet(lastZxid: clients[number].lastZxid) {
            let events = servers[number].watches.set(
                packet, for: clients[number].connection, in: servers[number].tree)
            clients[number].toClient += events.map { .event($0) }
        }
        let parked = clients[number].parked
        clients[number].parked = []
        clients[number].outstanding = parked
        clients[number].toServer = parked
        for actor in observers(of: number) { post(actor, .both(.connected), of: actors[actor].entry) }
    }

    private mutating func endSession(_ number: Int) {
        note("client \(number) learns that its session has expired")
        let old = clients[number]
        let told = observers(of: number).map { ($0, actors[$0].entry) }
        catchUp(number)
        lastConnection += 1
        clients[number] = MultiClient(session: old.session + 1000, connection: ConnectionID(lastConnection))
        for (actor, entry) in told { post(actor, .both(.sessionEnded(.sessionExpired)), of: entry) }
        // Whoever has entered again has another number by now, and hears nothing of these.
        for ask in old.parked { fail(ask, .sessionExpired, isSent: false) }
    }

    mutating func lapse(_ number: Int) {
        clients[number].leaseIsValid = false
        for actor in observers(of: number) where actors[actor].isHolding && !actors[actor].isLost {
            post(actor, .both(.leaseEnded(.leaseExpired)))
        }
    }

    mutating func deliver(_ number: Int) {
        switch clients[number].toClient.removeFirst() {
        case .answer(let ask, let result, let zxid):
            clients[number].outstanding.removeFirst()
            clients[number].lastZxid = max(clients[number].lastZxid, zxid)
            if case .inquiry(let queue, let inquiry) = ask.question {
                clients[number].watches.add(
                    MultiClient.Watcher(actor: ask.actor, entry: ask.entry, queue: queue, inquiry: inquiry),
                    for: ask.request, result)
                if case .get(let path, watch: true) = ask.request, case .success = result {
                    clients[number].watchedHere.insert(path)
                }
            }
            let isFirst = noteVacancies(number, ask, result)
            let session = clients[number].session
            let answer = result.mapError { RequestFailure($0.code, failedOperation: $0.failedOperation) }
            let count = actors[ask.actor].paths.count
            post(
                ask.actor, ask.question.post(answer, session: session, count: count, isFirst: isFirst), of: ask.entry)
            answerFollowers(of: ask, answer.map { _ in }, number)
        case .event(let event):
            clients[number].lastZxid = max(clients[number].lastZxid, servers[number].tree.lastZxid)
            clients[number].watchedHere.remove(event.path)
            for watcher in clients[number].watches.take(event) {
                if case .watchParent(let attempt) = watcher.inquiry {
                    clients[number].vacancies[event.path]?.watchIsOver(attempt)
                }
                guard let told = watcher.inquiry.event(event.kind), let actor = watcher.actor else { continue }
                post(
                    actor, watcher.queue.map { .multi(.inQueue($0, told)) } ?? .queue(told), of: watcher.entry)
            }
        }
    }
}
