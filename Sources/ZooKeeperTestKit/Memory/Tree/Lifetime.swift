internal import ZooKeeper

/// How long a znode lives.
package enum Lifetime: Hashable, Sendable {
    case persistent
    /// As long as this session.
    case session(Int64)
    case container
    /// Until it had no children and was not changed for so many milliseconds.
    case timeToLive(Int64)

    /// What its `Stat` shows: the servers keep a mark for the other kinds there, but do not show it.
    package var ephemeralOwner: Int64 {
        if case .session(let id) = self { id } else { 0 }
    }

    package var isEphemeral: Bool {
        if case .session = self { true } else { false }
    }

    init(_ mode: CreateMode, session: Int64) {
        switch mode {
        case .persistent, .persistentSequential: self = .persistent
        case .ephemeral, .ephemeralSequential: self = .session(session)
        case .container: self = .container
        case .persistentWithTTL(let duration), .persistentSequentialWithTTL(let duration):
            self = .timeToLive(duration.milliseconds)
        }
    }
}
