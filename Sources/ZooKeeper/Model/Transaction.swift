/// Operations that the server executes all or not at all, in order, in one transaction.
///
/// ```swift
/// var transaction = Transaction()
/// transaction.check(lockNode)
/// transaction.set(stock, data: [UInt8]("41".utf8), version: 7)
/// try await client.commit(transaction)
/// ```
public struct Transaction: Hashable, Sendable {
    package enum Operation: Hashable, Sendable {
        case create(NodePath, data: [UInt8], mode: CreateMode, acl: [ACL])
        case delete(NodePath, version: Int32?)
        case set(NodePath, data: [UInt8], version: Int32?)
        case check(NodePath, version: Int32?)

        package var path: NodePath {
            switch self {
            case .create(let path, _, _, _), .delete(let path, _), .set(let path, _, _), .check(let path, _): path
            }
        }
    }

    /// What one operation gave.
    public enum Result: Hashable, Sendable {
        /// The path of the new znode, with its number if it is sequential.
        case created(NodePath)
        case deleted
        case set(Stat)
        case checked
    }

    package private(set) var operations: [Operation] = []

    public init() {}

    public var isEmpty: Bool { operations.isEmpty }
    public var count: Int { operations.count }

    /// - Parameter mode: not a container, nor one with a time to live: the C client cannot do that in a transaction, and
    ///   ``ZooKeeperClient/commit(_:)`` refuses it with ``ZooKeeperError/Code/unimplemented``.
    public mutating func create(
        _ path: NodePath, data: [UInt8] = [], mode: CreateMode = .persistent, acl: [ACL] = [.open]
    ) {
        operations.append(.create(path, data: data, mode: mode, acl: acl))
    }

    /// - Parameter version: the version that the znode must have; `nil` for any.
    public mutating func delete(_ path: NodePath, version: Int32? = nil) {
        operations.append(.delete(path, version: version))
    }

    /// - Parameter version: the version that the znode must have; `nil` for any.
    public mutating func set(_ path: NodePath, data: [UInt8], version: Int32? = nil) {
        operations.append(.set(path, data: data, version: version))
    }

    /// The transaction fails unless the znode exists, in that version if one is given.
    public mutating func check(_ path: NodePath, version: Int32? = nil) {
        operations.append(.check(path, version: version))
    }
}
