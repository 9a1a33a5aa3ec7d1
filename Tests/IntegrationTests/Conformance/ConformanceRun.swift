import Synchronization
import TestSupport
import ZooKeeper

/// Executes steps at one ensemble, and keeps what each client saw, in order.
actor ConformanceRun {
    /// What a client saw: an answer or an event.
    enum Sight: Sendable {
        case answer(step: Int, RequestResult)
        /// `watch` is the number of the request that set it.
        case event(watch: Int, WatchEvent)
        case watchEnded(watch: Int, ZooKeeperError.Code)

        /// An event that came just before the session's end, or too late for it, is the same.
        var atTheEnd: Sight {
            if case .event(let watch, _) = self { .watchEnded(watch: watch, .sessionExpired) } else { self }
        }
    }

    private let connect: @Sendable () async throws -> ZooKeeperClient
    private let expire: @Sendable (ZooKeeperClient) async throws -> Void
    private var clients: [ZooKeeperClient] = []
    /// By client: what two clients see has no common order.
    private var sights: [Recorder<Sight>] = []
    /// The sessions that there were, in the order of their making: their numbers differ between ensembles.
    private(set) var sessions: [Int64] = []
    private var watches = 0
    private var step = 0

    init(
        connect: @escaping @Sendable () async throws -> ZooKeeperClient,
        expire: @escaping @Sendable (ZooKeeperClient) async throws -> Void
    ) {
        self.connect = connect
        self.expire = expire
    }

    func start(clients count: Int) async throws {
        for _ in 0..<count {
            clients.append(try await newClient())
            sights.append(Recorder())
        }
    }

    private func newClient() async throws -> ZooKeeperClient {
        let client = try await connect()
        sessions.append(try await session(of: client).id)
        return client
    }

    func stop() async {
        for client in clients { await client.close() }
        clients = []
    }

    /// - Returns: what there was to see for each client because of this step.
    func perform(_ next: ConformanceStep) async throws -> [[Sight]] {
        for sights in sights { sights.removeAll() }
        step += 1
        switch next {
        case .requests(let client, let requests):
            try await perform(requests, clients[client], sights[client])
        case .closeSession(let client):
            await clients[client].close()
            clients[client] = try await newClient()
        case .expireSession(let client):
            let states = clients[client].states
            try await expire(clients[client])
            _ = await first(of: states) { $0 == .expired }
            _ = await first(of: states) { $0 == .connected }
            // What its own end does to its ephemeral znodes it may see, or not: its connection is cut at that very moment.
            let seen = sights[client].all
            sights[client].removeAll()
            for sight in seen { sights[client].append(sight.atTheEnd) }
            sessions.append(try await session(of: clients[client]).id)
        }
        // Whatever the step made the other clients see comes ahead of their next answer.
        for client in clients { _ = try await client.exists(.root) }
        return sights.map(\.all)
    }

    private func perform(
        _ requests: [ConformanceRequest], _ client: ZooKeeperClient, _ sights: Recorder<Sight>
    ) async throws {
        let session = try await session(of: client)
        let (answers, continuation) = AsyncStream.makeStream(of: Void.self)
        for request in requests {
            let step = step
            var watch: WatchID?
            if let kind = request.watchesWith {
                watches += 1
                let number = watches
                watch = try session.reserveWatch(on: request.request(nil).path ?? .root, by: kind) { result in
                    switch result {
                    case .success(let event): sights.append(.event(watch: number, event))
                    case .failure(let failure): sights.append(.watchEnded(watch: number, failure.code))
                    }
                }
            }
            session.submit(request.request(watch), deadline: .now + .seconds(20)) { result in
                sights.append(.answer(step: step, result))
                continuation.yield()
            }
        }
        if requests.isEmpty { return }
        var count = 0
        for await _ in answers {
            count += 1
            if count == requests.count { break }
        }
    }

    private func session(of client: ZooKeeperClient) async throws -> Session {
        let found = Promise<Result<Session, ZooKeeperError>>()
        client.whenSession { found.resolve($0) }
        return try await found.value().get()
    }
}
