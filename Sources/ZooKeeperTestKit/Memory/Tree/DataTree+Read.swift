package import ZooKeeper

extension DataTree {
    /// What a server answers to a read from the tree that it has.
    package func read(_ request: ServerRequest, identities: [Identity]) -> Result<Reply, Refusal> {
        do throws(Refusal) {
            switch request {
            case .get(let path, _):
                let node = try readable(path, .read, identities)
                return .success(.data(node.data, node.stat))
            case .exists(let path, _):
                // Whoever may not read a znode may still know that it is there.
                guard let node = nodes[path] else { throw .noNode }
                return .success(.stat(node.stat))
            case .children(let path, _):
                let node = try readable(path, .read, identities)
                return .success(.children(node.childNames, node.stat))
            case .getACL(let path):
                let node = try readable(path, [.read, .admin], identities)
                return .success(.acl(AccessControl.shown(node.acl, identities), node.stat))
            case .create, .delete, .set, .setACL, .sync, .commit, .openSession, .closeSession:
                return .success(.done)
            }
        } catch {
            return .failure(error)
        }
    }

    private func readable(
        _ path: NodePath, _ permissions: ACL.Permissions, _ identities: [Identity]
    ) throws(Refusal) -> Znode {
        guard let node = nodes[path] else { throw .noNode }
        try AccessControl.check(node.acl, permissions, identities)
        return node
    }
}
