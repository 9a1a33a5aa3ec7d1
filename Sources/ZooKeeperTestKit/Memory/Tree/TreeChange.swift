package import ZooKeeper

/// What a request does to the tree, as the leader found it to be possible. Applied in the same order by every member, with the same
/// result.
package enum TreeChange: Hashable, Sendable {
    /// `count` is how many children the parent has had with this one.
    case create(NodePath, data: [UInt8], acl: [ACL], Lifetime, count: Int32)
    case delete(NodePath)
    case set(NodePath, data: [UInt8], version: Int32)
    case setACL(NodePath, acl: [ACL], version: Int32)
    case check
    case transaction([TreeChange])
    /// With its timeout in milliseconds.
    case openSession(timeout: Int64)
    case closeSession
    /// The request cannot be executed. That, too, has a place in the order of all writes.
    case refusal(Refusal)
}

/// A change with its place in the order of all writes.
package struct LoggedChange: Hashable, Sendable {
    package var zxid: Int64
    /// Milliseconds.
    package var time: Int64
    package var session: Int64
    package var change: TreeChange
    /// Who waits for the answer.
    package var origin: Origin?

    package struct Origin: Hashable, Sendable {
        package var connection: ConnectionID
        package var number: Int

        package init(connection: ConnectionID, number: Int) {
            self.connection = connection
            self.number = number
        }
    }

    package init(zxid: Int64, time: Int64, session: Int64, change: TreeChange, origin: Origin? = nil) {
        self.zxid = zxid
        self.time = time
        self.session = session
        self.change = change
        self.origin = origin
    }
}

/// What watches are told of, and the rights of what it is about: who may not read that is not told.
package struct TreeNews: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case created, deleted, dataChanged }

    package var kind: Kind
    package var path: NodePath
    package var acl: [ACL]
    package var parentACL: [ACL]
}
