internal import ZooKeeper

/// One server of an ensemble: what it has applied of the leader's log, what it has been told will follow, and its clients.
package struct Member: Hashable, Sendable {
    package enum Role: Hashable, Sendable {
        case leading(Leadership)
        /// When the leader was heard last.
        case following(MemberID, heardAt: Int64)
        /// Without a leader, and so without clients.
        case looking
        /// Crashed; what it has on disk is kept.
        case down
    }

    package internal(set) var role = Role.looking
    package internal(set) var tree = DataTree()
    /// Changes that were proposed and acknowledged, but are not known to be committed.
    package internal(set) var proposed: [LoggedChange] = []
    package internal(set) var watches = ServerWatches()
    /// An answer to a ping of the leader that is late.
    struct Relay: Hashable, Sendable {
        var due: Int64
        var sessions: Set<Int64>
    }

    /// Sessions heard from since the last ping of the leader.
    package internal(set) var touched: Set<Int64> = []
    var relays: [Relay] = []

    /// The end of its log.
    package var lastLogged: Int64 { proposed.last?.zxid ?? tree.lastZxid }

    package var leadership: Leadership? {
        if case .leading(let leadership) = role { leadership } else { nil }
    }

    package var leader: MemberID? {
        if case .following(let leader, _) = role { leader } else { nil }
    }

    package var isServing: Bool {
        switch role {
        case .leading, .following: true
        case .looking, .down: false
        }
    }
}

/// What a leader knows beyond what every member knows.
package struct Leadership: Hashable, Sendable {
    struct Proposal: Hashable, Sendable {
        var logged: LoggedChange
        var acknowledged: Set<MemberID>
    }

    /// A `sync` that is answered when everything proposed before it is committed.
    struct Sync: Hashable, Sendable {
        var behind: Int64
        var member: MemberID
        var origin: LoggedChange.Origin
    }

    /// The tree as it will be when all proposals are committed: what writes are checked against.
    var prepared: DataTree
    var lastProposed: Int64
    var outstanding: [Proposal] = []
    var syncs: [Sync] = []
    package internal(set) var sessions: SessionTracker
    /// The followers, and when each was heard last.
    package internal(set) var followers: [MemberID: Int64] = [:]
    var nextPing: Int64
    var nextCleaning: Int64
}

/// A client's connection, as the member sees it.
package struct Connection: Hashable, Sendable {
    /// What was asked and is not answered. Answers come in the order of the requests, so a read waits for the writes before it.
    enum Pending: Hashable, Sendable {
        /// A write or a `sync` that is on its way.
        case underway(number: Int)
        case read(number: Int, ServerRequest)
    }

    package internal(set) var member: MemberID
    /// 0 until the member has said that it is connected.
    package internal(set) var session: Int64 = 0
    var timeout: Int64 = 0
    var identities: [Identity] = [.loopback]
    var pending: [Pending] = []
}
