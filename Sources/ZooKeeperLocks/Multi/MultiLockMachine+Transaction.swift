import ZooKeeper

/// The transaction that enters all queues, and what its answer says.
extension MultiLockMachine {
    /// One node in each queue. Behind them comes a node that nobody ever sees: it is created, written to and deleted, for the answer to a write
    /// has the number of the transaction, which the answer to a creation in a transaction lacks. That saves the round trip of asking
    /// for it. With a single lock the answer to the creation tells.
    static func entry(
        _ paths: [NodePath], uuid: String, policy: QueuePolicy, record: [UInt8], acl: [ACL]
    ) -> [Transaction.Operation] {
        let prefix = policy.prefix(uuid: uuid)
        var operations = paths.map { path in
            Transaction.Operation.create(
                path.appending(unchecked: prefix), data: record, mode: .ephemeralSequential, acl: acl)
        }
        guard paths.count > 1 else { return operations }
        let passing = paths[0].appending(unchecked: "_t_\(uuid)")
        operations.append(.create(passing, data: [], mode: .ephemeral, acl: [.open]))
        operations.append(.set(passing, data: [], version: nil))
        operations.append(.delete(passing, version: nil))
        return operations
    }
}

extension MultiLockMachine.Entered {
    /// `nil` for an answer of another kind.
    init?(_ reply: Reply, count: Int) {
        switch reply {
        case .created(let path, let stat) where count == 1:
            self.init(names: [String(path.name)], czxid: stat.czxid)
        case .committed(let results):
            let names = results.prefix(count).compactMap { result in
                if case .created(let path) = result { String(path.name) } else { nil }
            }
            guard names.count == count else { return nil }
            let czxid = results.lazy.compactMap { if case .set(let stat) = $0 { stat.mzxid } else { nil } }.first
            self.init(names: names, czxid: czxid)
        default:
            return nil
        }
    }
}
