/// The kind of a client's request, as ZooKeeper's protocol numbers it (`ZooDefs.OpCode` of the server).
public struct Opcode: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    public static let create = Opcode(rawValue: 1)
    public static let delete = Opcode(rawValue: 2)
    public static let exists = Opcode(rawValue: 3)
    public static let getData = Opcode(rawValue: 4)
    public static let setData = Opcode(rawValue: 5)
    public static let getACL = Opcode(rawValue: 6)
    public static let setACL = Opcode(rawValue: 7)
    public static let getChildren = Opcode(rawValue: 8)
    public static let sync = Opcode(rawValue: 9)
    public static let getChildren2 = Opcode(rawValue: 12)
    public static let multi = Opcode(rawValue: 14)
    /// A create that is answered with the `Stat` as well; the one that this package's client sends.
    public static let create2 = Opcode(rawValue: 15)
    public static let removeWatches = Opcode(rawValue: 18)
    public static let createContainer = Opcode(rawValue: 19)
    public static let createTTL = Opcode(rawValue: 21)
    public static let multiRead = Opcode(rawValue: 22)
    public static let closeSession = Opcode(rawValue: -11)

    private static let names: [Opcode: String] = [
        .create: "create", .delete: "delete", .exists: "exists", .getData: "getData", .setData: "setData",
        .getACL: "getACL", .setACL: "setACL", .getChildren: "getChildren", .sync: "sync", .getChildren2: "getChildren2",
        .multi: "multi", .create2: "create2", .removeWatches: "removeWatches", .createContainer: "createContainer",
        .createTTL: "createTTL", .multiRead: "multiRead", .closeSession: "closeSession",
    ]
}

extension Opcode: CustomStringConvertible {
    public var description: String { Self.names[self] ?? "opcode \(rawValue)" }
}
