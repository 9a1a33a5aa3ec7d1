import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// A small world, and the ensemble of the schedules that is made to do the same: what one answers, the other has to answer.
///
/// Contenders live in the small world alone. What they ask for is asked at both, and each step of the small world's servers is one or
/// more messages of the ensemble. There each client has two members to go to in turns, as what was sent before by way of the other one is
/// refused then; further members make the quorum, so that a write is committed as soon as the leader has it.
struct Twin {
    private(set) var small: SmallWorld
    var model: EnsembleModel
    /// In what the two differ.
    var difference: String?
    /// Answers and events that were compared.
    var comparisons = 0

    var clients: [Counterpart]
    private let voters: [MemberID]
    let leader = MemberID(0)
    private var lastNumber = 0
    private var lastHand: ConnectionID?
    var asks: [Int: SmallAsk] = [:]
    /// The small world's tokens, and the ensemble's.
    var tokens: [Int64: Int64] = [:]
    var sessions: [UInt8: Int64] = [:]

    struct Counterpart {
        var members: [MemberID]
        var connection = ConnectionID(0)
        var session: Int64 = 0
        /// The writes that the small world's server has still to apply.
        var ahead: [Int64] = []
        /// What came before it was asked for.
        var events: [String] = []

        var member: MemberID { members[0] }
    }

    init(_ bounds: SmallWorld.Bounds) {
        small = SmallWorld(bounds)
        let count = small.clients.count
        voters = (1...2 * count + 1).map { MemberID($0) }
        clients = (0..<count).map { number in
            Counterpart(members: [MemberID(2 * (count + number + 1)), MemberID(2 * (count + number + 1) + 1)])
        }
        var configuration = EnsembleModel.Configuration()
        configuration.members = 4 * count + 2
        model = EnsembleModel(configuration)
        for number in clients.indices { connect(number) }
        if bounds.hasParent {
            byHand(.create(World.path, data: ParentData.empty, mode: .container, acl: [.open]))
            for number in clients.indices { catchUp(number) }
        }
        if bounds.hasJustLeft { haveLeft() }
    }

    /// The first node has come and gone, and the first client watches the path.
    private mutating func haveLeft() {
        let node = World.path.appending(unchecked: "first-")
        byHand(.create(node, data: [], mode: .ephemeralSequential, acl: [.open]))
        byHand(.delete(World.path.appending(unchecked: "first-0000000000"), version: nil))
        for number in clients.indices { catchUp(number) }
        let connection = clients[0].connection
        model.send(.request(number: 0, .get(World.path, watch: true)), on: connection)
        model.deliver(.toMember(connection))
        model.deliver(.toClient(connection))
    }

    // MARK: Steps

    /// Takes the step in both.
    mutating func take(_ step: SmallWorld.Step) {
        let before = small
        small.take(step)
        switch step {
        case .enter, .giveUp, .endBody, .pause, .lapse, .renew, .downgrade, .tellOfWatch: break
        case .serve(let number): serve(Int(number), before.clients[Int(number)].toServer.first)
        case .apply(let number): apply(Int(number), wasConnected: before.clients[Int(number)].isConnected)
        case .deliver(let number): deliver(Int(number), before.clients[Int(number)].toClient.first)
        case .cut(let number): cut(Int(number))
        case .straggle(let number):
            forward(from: clients[Int(number)].member)
            committed()
        case .reconnect(let number, _): reconnect(Int(number), before.clients[Int(number)])
        case .expire(let number):
            if let session = sessions[small.clients[Int(number)].session] { model.expire(session) }
            committed()
        case .delete(let name):
            byHand(.delete(World.path.appending(unchecked: name.string), version: nil))
        case .reap:
            byHand(.delete(World.path, version: nil))
        }
        for number in clients.indices where small.clients[number].isConnected { sendNew(number) }
        compareTrees(after: step)
    }

    private mutating func serve(_ number: Int, _ ask: SmallAsk?) {
        model.deliver(.toMember(clients[number].connection))
        guard ask?.inquiry.isWrite == true else { return }
        forward(from: clients[number].member)
        committed()
    }

    private mutating func apply(_ number: Int, wasConnected: Bool) {
        guard !clients[number].ahead.isEmpty else { return }
        let zxid = clients[number].ahead.removeFirst()
        for member in clients[number].members { learn(member, upTo: zxid) }
        if wasConnected, !small.clients[number].isConnected { cut(number) }
    }

    private mutating func cut(_ number: Int) {
        // What has reached the server may still reach the leader.
        let link = Link.toMember(clients[number].connection)
        while model.links[link] != nil { model.deliver(link) }
        model.breakConnection(clients[number].connection)
        clients[number].events = []
    }

    private mutating func reconnect(_ number: Int, _ before: SmallClient) {
        let old = clients[number].member
        clients[number].members.reverse()
        if small.clients[number].session != before.session {
            // The session has expired, and the next one begins at once.
            if open(number, session: clients[number].session) != .expired {
                differ("client \(number) comes back with an expired session, and is taken")
            }
            connect(number)
        } else {
            let packet = open(number, session: clients[number].session)
            if case .connected(clients[number].session, _)? = packet {
            } else {
                differ("client \(number) comes back, and is told \(String(describing: packet))")
            }
            let names = Set(before.watches.map(\.name.string)).sorted()
            let zxid = model.members[clients[number].member]?.tree.lastZxid ?? 0
            let paths = names.map { World.path.appending(unchecked: $0) }
            model.send(.setWatches(WatchPacket(lastZxid: zxid, data: paths)), on: clients[number].connection)
            model.deliver(.toMember(clients[number].connection))
        }
        while model.links[.between(old, leader)] != nil { model.deliver(.between(old, leader)) }
        settle()
        catchUp(number)
    }

    // MARK: The ensemble

    /// Begins a session.
    private mutating func connect(_ number: Int) {
        guard case .connected(let session, _)? = open(number, session: 0) else {
            return differ("client \(number) gets no session")
        }
        clients[number].session = session
        sessions[small.clients[number].session] = session
    }

    private mutating func open(_ number: Int, session: Int64) -> ServerPacket? {
        let member = clients[number].member
        guard let connection = model.open(with: member) else { return nil }
        clients[number].connection = connection
        model.send(.connect(session: session, timeout: 40_000, lastZxid: 0), on: connection)
        model.deliver(.toMember(connection))
        while model.links[.between(member, leader)] != nil { model.deliver(.between(member, leader)) }
        settle()
        catchUp(number)
        return model.deliver(.toClient(connection))
    }

    /// The leader gets the next write that the member has forwarded, and whatever is ahead of it.
    private mutating func forward(from member: MemberID) {
        let link = Link.between(member, leader)
        while let message = model.links[link]?.first {
            model.deliver(link)
            if case .peer(.request) = message { return }
        }
    }

    /// A write has its place in the order: every server has to apply it in its time.
    private mutating func committed() {
        settle()
        let zxid = model.members[leader]?.leadership?.lastProposed ?? 0
        for number in clients.indices { clients[number].ahead.append(zxid) }
    }

    /// The voters acknowledge what there is.
    private mutating func settle() {
        var isSettled = false
        while !isSettled {
            isSettled = true
            for voter in voters {
                for link in [Link.between(leader, voter), .between(voter, leader)]
                where model.links[link] != nil {
                    model.deliver(link)
                    isSettled = false
                }
            }
        }
    }

    private mutating func learn(_ member: MemberID, upTo zxid: Int64) {
        let link = Link.between(leader, member)
        while let tree = model.members[member]?.tree, tree.lastZxid < zxid, model.links[link] != nil {
            model.deliver(link)
        }
    }

    private mutating func catchUp(_ number: Int) {
        for member in clients[number].members {
            while model.links[.between(leader, member)] != nil { model.deliver(.between(leader, member)) }
        }
        clients[number].ahead = []
    }

    private mutating func byHand(_ request: ServerRequest) {
        if lastHand == nil, let hand = model.open(with: leader) {
            model.send(.connect(session: 0, timeout: 40_000, lastZxid: 0), on: hand)
            model.deliver(.toMember(hand))
            settle()
            lastHand = hand
        }
        guard let lastHand else { return differ("the leader takes no connection") }
        model.send(.request(number: 0, request), on: lastHand)
        model.deliver(.toMember(lastHand))
        committed()
    }

    private mutating func sendNew(_ number: Int) {
        let connection = clients[number].connection
        let sent = model.links[.toMember(connection)]?.count ?? 0
        for ask in small.clients[number].toServer.dropFirst(sent) {
            lastNumber += 1
            asks[lastNumber] = ask
            let policy = small.contestants[Int(ask.contender)].machine.policy
            model.send(.request(number: lastNumber, ask.inquiry.request(on: World.path, policy)), on: connection)
        }
    }
}
