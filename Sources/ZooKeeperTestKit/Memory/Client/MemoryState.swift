internal import ZooKeeper

/// The model of an ensemble and the clients of it, on a calm network: every message arrives at once.
struct MemoryState {
    private(set) var model: EnsembleModel
    private var clients: [Int: MemoryClient] = [:]
    private var numbers: [ConnectionID: Int] = [:]
    private var news: [(Session, MemoryClient.News)] = []
    private let startTime: Int64

    init(_ model: EnsembleModel) {
        self.model = model
        startTime = model.now
    }

    // MARK: Time

    /// Milliseconds since the start.
    var nextDue: Int64 { model.nextDue - startTime }

    /// Lets time pass. Clients that are connected are heard from all along, however late this process comes to it.
    mutating func pass(until elapsed: Int64) {
        let end = startTime + elapsed
        while model.nextDue <= end {
            for connection in numbers.keys { model.send(.ping, on: connection) }
            settle()
            model.advance(to: model.nextDue)
            settle()
        }
        model.advance(to: end)
    }

    // MARK: Clients

    mutating func add(_ client: MemoryClient, as number: Int) {
        clients[number] = client
        connect(number)
    }

    /// Closes the session, if there is a connection to do so.
    mutating func remove(_ number: Int) {
        guard let client = clients[number] else { return }
        if let connection = client.connection, client.isConnected {
            model.send(.request(number: 0, .closeSession), on: connection)
            settle()
        }
        if let connection = clients[number]?.connection { forget(connection) }
        clients[number] = nil
    }

    mutating func submit(_ request: Request, _ id: RequestID, from number: Int) {
        guard let client = clients[number] else { return }
        guard let packet = clients[number]?.packet(request, id), let connection = client.connection else {
            let refusal = Refusal(code: .connectionLost, mayBeExecuted: true)
            news.append((client.session, .answer(id, .failure(refusal))))
            return
        }
        model.send(packet, on: connection)
    }

    // MARK: Connections

    var wantsConnections: Bool {
        clients.values.contains { $0.connection == nil && !$0.isCutOff && !$0.isOver }
    }

    mutating func connectAll() {
        for number in clients.keys.sorted() { connect(number) }
    }

    private mutating func connect(_ number: Int) {
        guard let client = clients[number], client.connection == nil, !client.isCutOff, !client.isOver,
            let connection = model.open(with: MemberID(0)),
            let packet = clients[number]?.connecting(over: connection)
        else { return }
        numbers[connection] = number
        model.send(packet, on: connection)
    }

    private mutating func forget(_ connection: ConnectionID) {
        numbers[connection] = nil
        model.breakConnection(connection)
    }

    /// The connection of a client breaks.
    private mutating func lose(_ number: Int) {
        guard let connection = clients[number]?.connection, let session = clients[number]?.session else { return }
        forget(connection)
        news += (clients[number]?.lose() ?? []).map { (session, $0) }
    }

    // MARK: Messages

    /// Lets all messages arrive, until none is left.
    mutating func settle() {
        while let link = model.deliverable.first {
            guard let packet = model.deliver(link), case .toClient(let connection) = link,
                let number = numbers[connection], let session = clients[number]?.session
            else { continue }
            if case .answer(let request, _, _) = packet, clients[number]?.losesNextWrite == true,
                clients[number]?.isWrite(request) == true
            {
                clients[number]?.losesNextWrite = false
                lose(number)
                continue
            }
            guard let (told, packets) = clients[number]?.receive(packet) else { continue }
            news += told.map { (session, $0) }
            for packet in packets { model.send(packet, on: connection) }
            if clients[number]?.connection == nil { numbers[connection] = nil }
        }
    }

    mutating func takeNews() -> [(Session, MemoryClient.News)] {
        defer { news = [] }
        return news
    }

    // MARK: What tests do to a client

    /// The client of a session.
    private func number(of session: Int64) -> Int? {
        clients.first { $0.value.sessionID == session && !$0.value.isOver }?.key
    }

    mutating func expire(_ session: Int64) -> Bool {
        guard let number = number(of: session) else { return false }
        // Who is not heard from is not told anything either.
        lose(number)
        model.expire(session)
        return true
    }

    mutating func cutOff(_ session: Int64) -> Bool {
        guard let number = number(of: session) else { return false }
        clients[number]?.isCutOff = true
        lose(number)
        return true
    }

    mutating func letConnect(_ session: Int64) -> Bool {
        guard let number = number(of: session) else { return false }
        clients[number]?.isCutOff = false
        connect(number)
        return true
    }

    mutating func loseNextWrite(of session: Int64) -> Bool {
        guard let number = number(of: session) else { return false }
        clients[number]?.losesNextWrite = true
        return true
    }
}
