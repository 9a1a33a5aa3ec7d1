package import ZooKeeper

/// One member of an ensemble.
package struct MemberID: Hashable, Comparable, Sendable {
    package var number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.number < rhs.number }
}

/// One connection of a client with a member; never used again.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package var number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.number < rhs.number }
}

/// A way for messages in one direction; they arrive in the order in which they were sent.
package enum Link: Hashable, Comparable, Sendable {
    case toMember(ConnectionID)
    case toClient(ConnectionID)
    case between(MemberID, MemberID)
}

/// A message on its way.
package enum Message: Hashable, Sendable {
    case client(ClientPacket)
    case server(ServerPacket)
    case peer(PeerMessage)
}

/// What a client sends to a member.
package enum ClientPacket: Hashable, Sendable {
    /// The first on a connection. `session` is 0 for a new one; the timeout is the one asked for, in milliseconds.
    case connect(session: Int64, timeout: Int64, lastZxid: Int64)
    case ping
    case authenticate(Credential)
    case setWatches(WatchPacket)
    /// `number` comes back with the answer.
    case request(number: Int, ServerRequest)
}

/// What a member sends to a client.
package enum ServerPacket: Hashable, Sendable {
    case connected(session: Int64, timeout: Int64)
    case expired
    case pong
    case authenticated(Bool)
    case watchesSet
    case answer(number: Int, zxid: Int64, Result<Reply, Refusal>)
    case event(WatchEvent)
    /// The last one: the member has closed the connection.
    case closed
}

/// What members tell each other.
package enum PeerMessage: Hashable, Sendable {
    // To the leader.
    case request(ForwardedRequest)
    case acknowledge(zxid: Int64)
    /// The answer to a ping, with the sessions that were heard from since the last one.
    case touched(Set<Int64>)
    case revalidate(session: Int64, connection: ConnectionID)
    case sync(LoggedChange.Origin)

    // From the leader.
    case proposal(LoggedChange)
    case commit(zxid: Int64)
    case ping
    case revalidated(session: Int64, connection: ConnectionID, timeout: Int64?)
    case synced(LoggedChange.Origin)
}

/// A write on its way to the leader.
package struct ForwardedRequest: Hashable, Sendable {
    package var session: Int64
    package var request: ServerRequest
    package var identities: [Identity]
    package var origin: LoggedChange.Origin?
}
