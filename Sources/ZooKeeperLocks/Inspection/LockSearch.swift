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
                    let (lock, beneath) = try result.1.get()
                    if let lock { found.append(lock) }
                    pending += beneath
                } catch {
                    guard result.0 != root || error.code == .noNode else { throw error }
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

    typealias Finding = (lock: LockSummary?, beneath: [NodePath])

    static func look(
        at paths: ArraySlice<NodePath>, _ client: ZooKeeperClient
    ) async -> [(NodePath, Result<Finding, ZooKeeperError>)] {
        await withTaskGroup(of: (NodePath, Result<Finding, ZooKeeperError>).self) { group in
            for path in paths {
                group.addTask {
                    do throws(ZooKeeperError) {
                        return (path, .success(try await look(at: path, client)))
                    } catch {
                        return (path, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func look(at path: NodePath, _ client: ZooKeeperClient) async throws(ZooKeeperError) -> Finding {
        let names = QueueNames(try await client.children(path))
        let beneath = names.others
            // The servers' own.
            .filter { path != .root || $0 != "zookeeper" }
            .map { path.appending(unchecked: $0) }
        for (index, name) in names.contenders.enumerated() {
            guard let holder = try await QueueReader.entry(name, at: path, client) else { continue }
            return (LockSummary(path: path, holder: holder, waiting: names.contenders.count - index - 1), beneath)
        }
        return (nil, beneath)
    }
}
