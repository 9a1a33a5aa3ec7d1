/// How long a new znode lives, and whether the server numbers it.
public enum CreateMode: Hashable, Sendable {
    case persistent
    /// The server appends a ten-digit number that rises with every child of the parent.
    case persistentSequential
    /// Deleted by the server when the session that created it ends.
    case ephemeral
    case ephemeralSequential
    /// Deleted by the server some time after its last child is gone.
    case container
    /// Deleted by the server when it has no children and was not changed for so long. Needs a server with
    /// `extendedTypesEnabled=true`; whole milliseconds from 1 ms to about 34 years.
    case persistentWithTTL(Duration)
    case persistentSequentialWithTTL(Duration)

    public var isSequential: Bool {
        switch self {
        case .persistentSequential, .ephemeralSequential, .persistentSequentialWithTTL: true
        case .persistent, .ephemeral, .container, .persistentWithTTL: false
        }
    }

    public var isEphemeral: Bool {
        switch self {
        case .ephemeral, .ephemeralSequential: true
        default: false
        }
    }
}
