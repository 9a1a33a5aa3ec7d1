public import ZooKeeper

extension ZooKeeperClient {
    /// All locks at and beneath `root` that somebody holds, by path.
    ///
    /// Looks at every znode there, a few at a time. What may not be read, or goes meanwhile, is passed over.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized` for `root` itself, or what any request may throw. No locks when there is no `root`.
    public func locks(beneath root: NodePath) async throws(ZooKeeperError) -> [LockSummary] {
        var found: [LockSummary] = []
        var pending = [root]
        while !pending.isEmpty {
            let part = pending.suffix(LockSearch.width)
            pending.removeLast(part.count)
            for result in await LockSearch.look(at: part, self) {
                do throws(ZooKeeperError) {
                    let finding = try result.finding.get()
                    if let lock = finding.lock { found.append(lock) }
                    pending += finding.beneath
                } catch {
                    guard result.path != root || error.code == .noNode else { throw error }
                    guard error.code == .noNode || error.code == .notAuthorized else { throw error }
                }
            }
        }
        return found.sorted { $0.path.string < $1.path.string }
    }
}

private enum LockSearch {
    /// How many znodes are looked at at the same time.
    static let width = 64

    struct Finding: Sendable {
        var lock: LockSummary?
        /// What is no contender may have locks beneath it.
        var beneath: [NodePath]
    }

    // A group of tuples with such a result comes back empty, or as garbage, in a release build (Swift 6.3.1).
    struct Look: Sendable {
        var path: NodePath
        var finding: Result<Finding, ZooKeeperError>
    }

    static func look(at paths: ArraySlice<NodePath>, _ client: ZooKeeperClient) async -> [Look] {
        await withTaskGroup(of: Look.self) { group in
            for path in paths {
                group.addTask { await Look(path: path, finding: result(at: path, client)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func result(at path: NodePath, _ client: ZooKeeperClient) async -> Result<Finding, ZooKeeperError> {
        do throws(ZooKeeperError) {
            return .success(try await finding(at: path, client))
        } catch {
            return .failure(error)
        }
    }

    private static func finding(at path: NodePath, _ client: ZooKeeperClient) async throws(ZooKeeperError) -> Finding {
        let names = QueueNames(try await client.children(path))
        let beneath = names.others
            // The servers' own.
            .filter { path != .root || $0 != "zookeeper" }
            .map { path.appending(unchecked: $0) }
        for (index, name) in names.contenders.enumerated() {
            guard let holder = try await QueueReader.entry(name, at: path, client) else { continue }
            let lock = LockSummary(path: path, holder: holder, waiting: names.contenders.count - index - 1)
            return Finding(lock: lock, beneath: beneath)
        }
        return Finding(lock: nil, beneath: beneath)
    }
}
