package import ZooKeeper

/// A request as a server gets it: paths are whole, and a watch is a mere wish.
package enum ServerRequest: Hashable, Sendable {
    case create(NodePath, data: [UInt8], mode: CreateMode, acl: [ACL])
    case delete(NodePath, version: Int32?)
    case get(NodePath, watch: Bool)
    case set(NodePath, data: [UInt8], version: Int32?)
    case exists(NodePath, watch: Bool)
    case children(NodePath, watch: Bool)
    case getACL(NodePath)
    case setACL(NodePath, acl: [ACL], version: Int32?)
    case sync
    case commit([Transaction.Operation])
    case openSession(timeout: Int64)
    case closeSession

    /// Whether it goes through the leader and a quorum.
    package var isWrite: Bool {
        switch self {
        case .create, .delete, .set, .setACL, .commit, .openSession, .closeSession: true
        case .get, .exists, .children, .getACL, .sync: false
        }
    }

    /// What a client asks for, below its root; `nil` for a credential, which is no request of a tree.
    package init?(_ request: Request, below root: NodePath) {
        func whole(_ path: NodePath) -> NodePath { path.below(root) }
        switch request {
        case .create(let path, let data, let mode, let acl):
            self = .create(whole(path), data: data, mode: mode, acl: acl)
        case .delete(let path, let version): self = .delete(whole(path), version: version)
        case .get(let path, let watch): self = .get(whole(path), watch: watch != nil)
        case .set(let path, let data, let version): self = .set(whole(path), data: data, version: version)
        case .exists(let path, let watch): self = .exists(whole(path), watch: watch != nil)
        case .children(let path, let watch): self = .children(whole(path), watch: watch != nil)
        case .getACL(let path): self = .getACL(whole(path))
        case .setACL(let path, let acl, let version): self = .setACL(whole(path), acl: acl, version: version)
        case .sync: self = .sync
        case .authenticate: return nil
        case .commit(let operations):
            self = .commit(
                operations.map { operation in
                    switch operation {
                    case .create(let path, let data, let mode, let acl):
                        .create(whole(path), data: data, mode: mode, acl: acl)
                    case .delete(let path, let version): .delete(whole(path), version: version)
                    case .set(let path, let data, let version): .set(whole(path), data: data, version: version)
                    case .check(let path, let version): .check(whole(path), version: version)
                    }
                })
        }
    }
}

extension NodePath {
    /// The whole path of what a client with this root calls so.
    package func below(_ root: NodePath) -> NodePath {
        if root == .root { return self }
        return self == .root ? root : NodePath(unchecked: root.string + string)
    }

    /// What a client with this root calls it.
    package func seen(from root: NodePath) -> NodePath {
        if root == .root { return self }
        if self == root { return .root }
        guard string.utf8.starts(with: (root.string + "/").utf8) else { return self }
        return NodePath(unchecked: String(decoding: string.utf8.dropFirst(root.string.utf8.count), as: UTF8.self))
    }
}
