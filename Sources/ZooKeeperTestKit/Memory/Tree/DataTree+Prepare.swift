package import ZooKeeper

extension DataTree {
    /// What a leader makes of a write: the change, or why there is none. Checks come in the order of the servers'
    /// `PrepRequestProcessor`.
    package func prepare(_ request: ServerRequest, session: Int64, identities: [Identity]) -> TreeChange {
        do throws(Refusal) {
            switch request {
            case .create(let path, let data, let mode, let acl):
                return try create(path, data, mode, Lifetime(mode, session: session), acl, identities)
            case .delete(let path, let version): return try delete(path, version, identities)
            case .set(let path, let data, let version): return try set(path, data, version, identities)
            case .setACL(let path, let acl, let version): return try setACL(path, acl, version, identities)
            case .commit(let operations): return try commit(operations, session, identities)
            case .openSession(let timeout): return .openSession(timeout: timeout)
            case .closeSession: return .closeSession
            case .get, .exists, .children, .getACL, .sync: return .check
            }
        } catch {
            return .refusal(error)
        }
    }

    /// What becomes of a znode that the servers found to be removable: it may have been used meanwhile.
    package func prepareRemoval(of path: NodePath) -> TreeChange {
        guard let node = nodes[path] else { return .refusal(.noNode) }
        guard node.children.isEmpty else { return .refusal(.server(.notEmpty)) }
        guard !node.lifetime.isEphemeral else { return .refusal(.server(.badVersion)) }
        return .delete(path)
    }

    private func node(_ path: NodePath) throws(Refusal) -> Znode {
        guard let node = nodes[path] else { throw .noNode }
        return node
    }

    private func create(
        _ path: NodePath, _ data: [UInt8], _ mode: CreateMode, _ lifetime: Lifetime, _ acl: [ACL],
        _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        let acl = try AccessControl.complete(acl, identities)
        // The servers take the root for its own parent here.
        let parent = try node(path.parent ?? .root)
        try AccessControl.check(parent.acl, .create, identities)
        var path = path
        if mode.isSequential {
            path = NodePath(unchecked: path.string + SequentialName.suffix(parent.childrenCreated))
        }
        guard nodes[path] == nil else { throw .server(.nodeExists) }
        guard !parent.lifetime.isEphemeral else { throw .server(.noChildrenForEphemerals) }
        return .create(path, data: data, acl: acl, lifetime, count: parent.childrenCreated &+ 1)
    }

    private func delete(
        _ path: NodePath, _ version: Int32?, _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        guard let parent = path.parent else { throw .server(.invalidArgument) }
        try AccessControl.check(try node(parent).acl, .delete, identities)
        let node = try node(path)
        _ = try next(node.version, version)
        guard node.children.isEmpty else { throw .server(.notEmpty) }
        return .delete(path)
    }

    private func set(
        _ path: NodePath, _ data: [UInt8], _ version: Int32?, _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        let node = try node(path)
        try AccessControl.check(node.acl, .write, identities)
        return .set(path, data: data, version: try next(node.version, version))
    }

    private func setACL(
        _ path: NodePath, _ acl: [ACL], _ version: Int32?, _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        let acl = try AccessControl.complete(acl, identities)
        let node = try node(path)
        try AccessControl.check(node.acl, .admin, identities)
        return .setACL(path, acl: acl, version: try next(node.aversion, version))
    }

    /// Each operation sees what those before it would have done; the first that fails undoes them all.
    private func commit(
        _ operations: [Transaction.Operation], _ session: Int64, _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        var tree = self
        var changes: [TreeChange] = []
        for (index, operation) in operations.enumerated() {
            do throws(Refusal) {
                let change = try tree.change(operation, session, identities)
                changes.append(change)
                if index < operations.count - 1 {
                    _ = tree.apply(LoggedChange(zxid: lastZxid, time: 0, session: session, change: change))
                }
            } catch {
                var refusal = error
                refusal.failedOperation = index
                throw refusal
            }
        }
        return .transaction(changes)
    }

    private func change(
        _ operation: Transaction.Operation, _ session: Int64, _ identities: [Identity]
    ) throws(Refusal) -> TreeChange {
        switch operation {
        case .create(let path, let data, let mode, let acl):
            return try create(path, data, mode, Lifetime(mode, session: session), acl, identities)
        case .delete(let path, let version): return try delete(path, version, identities)
        case .set(let path, let data, let version): return try set(path, data, version, identities)
        case .check(let path, let version):
            let node = try node(path)
            try AccessControl.check(node.acl, .read, identities)
            _ = try next(node.version, version)
            return .check
        }
    }

    /// The version after `current`, if that is the one expected. -1 stands for any, as it does on the wire.
    private func next(_ current: Int32, _ expected: Int32?) throws(Refusal) -> Int32 {
        if let expected, expected != -1, expected != current { throw .server(.badVersion) }
        return current &+ 1
    }
}

/// The number that the servers append to the name of a sequential znode.
package enum SequentialName {
    /// As `%010d` prints it: ten characters with the sign, more where ten do not do.
    package static func suffix(_ number: Int32) -> String {
        let digits = String(number.magnitude)
        let width = number < 0 ? 9 : 10
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
