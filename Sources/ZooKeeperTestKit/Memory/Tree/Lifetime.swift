internal import ZooKeeper

/// How long a znode lives, and how its `Stat` shows it.
package enum Lifetime: Hashable, Sendable {
    case persistent
    /// As long as this session.
    case session(Int64)
    case container
    /// Until it had no children and was not changed for so many milliseconds.
    case timeToLive(Int64)

    /// The servers keep the kind of a znode in the field that names the owner of an ephemeral one.
    package var ephemeralOwner: Int64 {
        switch self {
        case .persistent: 0
        case .session(let id): id
        case .container: .min
        case .timeToLive(let milliseconds): Int64(bitPattern: 0xFF00_0000_0000_0000) | milliseconds
        }
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
