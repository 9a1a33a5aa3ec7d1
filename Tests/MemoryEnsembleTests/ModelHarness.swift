import ZooKeeper
import ZooKeeperTestKit

/// Drives an ensemble model by hand: a test decides what arrives when.
final class ModelHarness {
    var model: EnsembleModel
    /// What has arrived on each connection, in order.
    var received: [ConnectionID: [ServerPacket]] = [:]
    private var lastNumber = 0

    init(members: Int, tick: Int64 = 1000, syncLimit: Int64 = 10) {
        var configuration = EnsembleModel.Configuration()
        configuration.members = members
        configuration.tick = tick
        configuration.syncLimit = syncLimit
        model = EnsembleModel(configuration)
    }

    /// Lets messages arrive until none is left that `condition` holds for.
    func settle(where condition: (Link) -> Bool = { _ in true }) {
        while let link = model.deliverable.first(where: condition) {
            guard let packet = model.deliver(link), case .toClient(let connection) = link else { continue }
            received[connection, default: []].append(packet)
        }
    }

    /// Passes the time in small steps; everything arrives at once, and these clients are heard from.
    func pass(_ milliseconds: Int64, pinging clients: [ConnectionID] = []) {
        let end = model.now + milliseconds
        while model.now < end {
            model.advance(to: min(end, model.now + 100))
            for client in clients { model.send(.ping, on: client) }
            settle()
        }
    }

    func connect(to member: Int, session: Int64 = 0, timeout: Int64 = 4000) -> ConnectionID? {
        guard let connection = model.open(with: MemberID(member)) else { return nil }
        model.send(.connect(session: session, timeout: timeout, lastZxid: 0), on: connection)
        settle()
        return connection
    }

    // Not through `model` in an expectation: its macro takes the model for a constant.
    func open(_ member: MemberID) -> ConnectionID? { model.open(with: member) }
    func elect(_ member: MemberID) -> Bool { model.elect(member) }
    func join(_ member: MemberID) -> Bool { model.join(member) }

    func session(of connection: ConnectionID) -> Int64? {
        for case .connected(let session, _) in received[connection, default: []] { return session }
        return nil
    }

    @discardableResult
    func send(_ request: ServerRequest, on connection: ConnectionID) -> Int {
        lastNumber += 1
        model.send(.request(number: lastNumber, request), on: connection)
        return lastNumber
    }

    func answer(_ number: Int, on connection: ConnectionID) -> Result<Reply, Refusal>? {
        for case .answer(number, _, let result) in received[connection, default: []] { return result }
        return nil
    }

    /// Sends, lets everything arrive, and gives the answer if there is one.
    func ask(_ request: ServerRequest, on connection: ConnectionID) -> Result<Reply, Refusal>? {
        let number = send(request, on: connection)
        settle()
        return answer(number, on: connection)
    }

    func isClosed(_ connection: ConnectionID) -> Bool { received[connection, default: []].last == .closed }

    func leaders() -> [MemberID] {
        model.members.filter { $0.value.leadership != nil }.keys.sorted()
    }
}

extension ServerRequest {
    static func create(_ path: String, _ mode: CreateMode = .persistent) -> ServerRequest {
        .create(NodePath(unchecked: path), data: [], mode: mode, acl: [.open])
    }
    static func exists(_ path: String, watch: Bool = false) -> ServerRequest {
        .exists(NodePath(unchecked: path), watch: watch)
    }
    static func set(_ path: String) -> ServerRequest {
        .set(NodePath(unchecked: path), data: [1], version: nil)
    }
}

extension Result<Reply, Refusal>? {
    var isSuccess: Bool { if case .success? = self { true } else { false } }
    var code: ZooKeeperError.Code? { if case .failure(let refusal)? = self { refusal.code } else { nil } }
}
