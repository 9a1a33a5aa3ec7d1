/// Which way bytes go through a proxy, or both ways.
public struct Directions: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// From whoever connected to the proxy to the target.
    public static let toServer = Directions(rawValue: 1)
    /// From the target to whoever connected to the proxy.
    public static let toClient = Directions(rawValue: 2)
    public static let both: Directions = [.toServer, .toClient]
}

/// Which connections through a proxy a fault is for.
public enum Reach: Hashable, Sendable {
    /// Those that are open now, and all that are made later.
    case all
    /// Those that are open now: a client that reconnects is well again.
    case open
    /// Those that are made later.
    case new

    var includesOpen: Bool { self != .new }
    var includesNew: Bool { self != .open }
}

/// One end of a proxied connection.
enum Side: Hashable, Sendable {
    case client, server

    var other: Side { self == .client ? .server : .client }
    /// The way of what this end sends.
    var outward: Directions { self == .client ? .toServer : .toClient }
}
