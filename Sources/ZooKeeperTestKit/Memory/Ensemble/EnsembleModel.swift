internal import ZooKeeper

/// A whole ensemble as a value: members, the messages between them and to their clients, and a clock that moves only when told.
///
/// Whoever owns it decides what happens next: which message arrives (``deliver(_:)``), how time passes (``advance(to:)``), what
/// breaks. Everything else follows from that, so a run is repeated by repeating the decisions, and a search goes on from a copy.
///
/// What is simpler than in real servers: a follower that joins gets the leader's state at once, with no messages of its own; an election is
/// one step; clients show no password; nothing is lost from a disk; links lose messages only by breaking.
package struct EnsembleModel: Hashable, Sendable {
    /// Times in milliseconds.
    package struct Configuration: Hashable, Sendable {
        package var members = 1
        package var tick: Int64 = 2000
        /// For how many ticks a leader and a follower do without each other's word.
        package var syncLimit: Int64 = 5
        /// How often empty containers and znodes past their time to live are removed.
        package var cleaningInterval: Int64 = 60_000
        package var startTime: Int64 = 0

        package init() {}

        var quorum: Int { members / 2 + 1 }
        var patience: Int64 { syncLimit * tick }
    }

    package let configuration: Configuration
    package internal(set) var now: Int64
    package internal(set) var members: [MemberID: Member] = [:]
    package internal(set) var connections: [ConnectionID: Connection] = [:]
    package internal(set) var links: [Link: [Message]] = [:]
    /// Pairs of members that cannot reach each other; the smaller first.
    package internal(set) var cuts: Set<[MemberID]> = []
    /// How much later than half a tick after the last the leader's next pings go out, in milliseconds.
    package var pingLateness: Int64 = 0
    /// How long after a ping a follower's answer to it goes out, in milliseconds: what it forwards meanwhile overtakes it.
    package var relayLateness: Int64 = 0
    var epoch: Int64 = 0
    var lastConnection = 0
    var lastSession: Int64 = 0

    /// An ensemble in which the first member leads and all others follow.
    package init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        now = configuration.startTime
        for number in 0..<max(1, configuration.members) { members[MemberID(number)] = Member() }
        elect(MemberID(0))
    }

    // MARK: Messages

    /// The links that have a message which can arrive now, in a fixed order.
    package var deliverable: [Link] {
        links.keys.filter { isOpen($0) }.sorted()
    }

    private func isOpen(_ link: Link) -> Bool {
        guard case .between(let from, let to) = link else { return true }
        return !cuts.contains([min(from, to), max(from, to)])
    }

    /// Lets the first message of a link arrive.
    ///
    /// - Returns: the message, if it is for a client; what that one does with it is not the model's affair.
    @discardableResult
    package mutating func deliver(_ link: Link) -> ServerPacket? {
        guard isOpen(link), var queue = links[link], !queue.isEmpty else { return nil }
        let message = queue.removeFirst()
        links[link] = queue.isEmpty ? nil : queue
        switch (link, message) {
        case (.toMember(let connection), .client(let packet)): receive(packet, on: connection)
        case (.toClient, .server(let packet)): return packet
        case (.between(let from, let to), .peer(let message)): receive(message, from: from, at: to)
        default: break
        }
        return nil
    }

    mutating func send(_ message: PeerMessage, from: MemberID, to: MemberID) {
        links[.between(from, to), default: []].append(.peer(message))
    }

    mutating func send(_ packet: ServerPacket, on connection: ConnectionID) {
        links[.toClient(connection), default: []].append(.server(packet))
    }

    // MARK: Clients

    /// Opens a connection with a member; `nil` when that one takes none now.
    package mutating func open(with member: MemberID) -> ConnectionID? {
        guard members[member]?.isServing == true else { return nil }
        lastConnection += 1
        let id = ConnectionID(lastConnection)
        connections[id] = Connection(member: member)
        return id
    }

    /// A client sends. Nothing happens on a connection that is not open any more.
    package mutating func send(_ packet: ClientPacket, on connection: ConnectionID) {
        guard connections[connection] != nil else { return }
        links[.toMember(connection), default: []].append(.client(packet))
    }

    /// The connection breaks: what is under way in both directions is lost, and the client knows. Requests that have reached the member
    /// are executed all the same.
    package mutating func breakConnection(_ connection: ConnectionID) {
        links[.toMember(connection)] = nil
        links[.toClient(connection)] = nil
        drop(connection)
    }

    /// The member closes the connection: what it has sent still arrives.
    mutating func close(_ connection: ConnectionID) {
        guard connections[connection] != nil else { return }
        send(.closed, on: connection)
        links[.toMember(connection)] = nil
        drop(connection)
    }

    private mutating func drop(_ connection: ConnectionID) {
        guard let member = connections.removeValue(forKey: connection)?.member else { return }
        members[member]?.watches.removeAll(of: connection)
    }

    /// Whether the member still has it.
    package func isOpen(_ connection: ConnectionID) -> Bool { connections[connection] != nil }
}
