internal import ZooKeeper

/// One session's end of its connections: what the C client keeps between a `Session` and a server.
struct MemoryClient {
    struct Waiting {
        var id: RequestID
        var request: ServerRequest
        var watch: WatchID?
    }

    /// What the session is to be told, in order.
    enum News {
        case link(Session.LinkChange)
        case answer(RequestID, Result<Reply, Refusal>)
        case event(WatchID, WatchEvent)
    }

    let session: Session
    /// What the client calls `/`.
    let root: NodePath
    let timeout: Int64
    /// 0 before the first connection.
    private(set) var sessionID: Int64 = 0
    private(set) var connection: ConnectionID?
    private(set) var isConnected = false
    /// It has expired, or was refused: there is nothing to connect for.
    private(set) var isOver = false
    /// A test keeps it away from the servers.
    var isCutOff = false
    /// A test takes away the answer to the next write.
    var losesNextWrite = false

    private var waiting: [Int: Waiting] = [:]
    private var lastNumber = 0
    private var watches = ClientWatches<WatchID>()
    private var credentials: [Credential] = []
    /// Who waits to hear of a credential; `nil` for one that is shown again.
    private var authenticating: [RequestID?] = []
    private var lastZxid: Int64 = 0

    init(session: Session, root: NodePath, timeout: Int64) {
        self.session = session
        self.root = root
        self.timeout = timeout
    }

    // MARK: To the server

    mutating func connecting(over connection: ConnectionID) -> ClientPacket {
        self.connection = connection
        return .connect(session: sessionID, timeout: timeout, lastZxid: lastZxid)
    }

    /// The packet for a request; `nil` when it cannot be sent now.
    mutating func packet(_ request: Request, _ id: RequestID) -> ClientPacket? {
        guard isConnected else { return nil }
        if case .authenticate(let credential) = request {
            if !credentials.contains(credential) { credentials.append(credential) }
            authenticating.append(id)
            return .authenticate(credential)
        }
        guard let whole = ServerRequest(request, below: root) else { return nil }
        lastNumber += 1
        waiting[lastNumber] = Waiting(id: id, request: whole, watch: request.watch)
        return .request(number: lastNumber, whole)
    }

    // MARK: From the server

    /// - Returns: what the session is to hear of it, and what is to be sent at once.
    mutating func receive(_ packet: ServerPacket) -> (news: [News], packets: [ClientPacket]) {
        switch packet {
        case .connected(let id, let timeout): return connected(id, timeout)
        case .expired:
            isOver = true
            return (lose() + [.link(.expired)], [])
        case .closed:
            return (lose(), [])
        case .authenticated(let isGood):
            guard !authenticating.isEmpty else { return ([], []) }
            let id = authenticating.removeFirst()
            let result: Result<Reply, Refusal> =
                isGood ? .success(.done) : .failure(Refusal(code: .authenticationFailed, mayBeExecuted: true))
            isOver = isOver || !isGood
            return ((id.map { [.answer($0, result)] } ?? []) + (isGood ? [] : [.link(.authenticationFailed)]), [])
        case .answer(let number, let zxid, let result):
            lastZxid = max(lastZxid, zxid)
            guard let request = waiting.removeValue(forKey: number) else { return ([], []) }
            if let watch = request.watch { watches.add(watch, for: request.request, result) }
            return ([.answer(request.id, result.map { $0.seen(from: root) })], [])
        case .event(let event):
            let seen = WatchEvent(event.kind, path: event.path.seen(from: root))
            return (watches.take(event).map { .event($0, seen) }, [])
        case .pong, .watchesSet:
            return ([], [])
        }
    }

    private mutating func connected(_ id: Int64, _ timeout: Int64) -> (news: [News], packets: [ClientPacket]) {
        sessionID = id
        isConnected = true
        authenticating = credentials.map { _ in nil }
        var packets = credentials.map(ClientPacket.authenticate)
        if let packet = watches.packet(lastZxid: lastZxid) { packets.append(.setWatches(packet)) }
        // An address that is kept for documentation: nobody is there.
        let change = Session.LinkChange.connected(
            sessionID: id, timeout: .milliseconds(timeout), server: "192.0.2.1:2181")
        return ([.link(change)], packets)
    }

    func isWrite(_ number: Int) -> Bool { waiting[number]?.request.isWrite == true }

    /// The connection is over. The session is told that first, then who waits for an answer.
    mutating func lose() -> [News] {
        let wasConnected = isConnected
        connection = nil
        isConnected = false
        let lost = waiting.sorted { $0.key < $1.key }.map(\.value.id) + authenticating.compactMap { $0 }
        waiting = [:]
        authenticating = []
        let refusal = Refusal(code: .connectionLost, mayBeExecuted: true)
        return (wasConnected ? [.link(.disconnected)] : []) + lost.map { .answer($0, .failure(refusal)) }
    }
}

extension Reply {
    /// With paths as a client with this root calls them.
    fileprivate func seen(from root: NodePath) -> Reply {
        switch self {
        case .created(let path, let stat): .created(path.seen(from: root), stat)
        case .committed(let results):
            .committed(
                results.map { result in
                    if case .created(let path) = result { .created(path.seen(from: root)) } else { result }
                })
        case .done, .data, .stat, .children, .acl: self
        }
    }
}

extension Request {
    fileprivate var watch: WatchID? {
        switch self {
        case .get(_, let watch), .exists(_, let watch), .children(_, let watch): watch
        case .create, .delete, .set, .getACL, .setACL, .sync, .authenticate, .commit: nil
        }
    }
}
