package import ZooKeeper

/// The znodes of one server, and the sessions that own some of them: a value without a clock.
///
/// ``prepare(_:session:identities:)`` is what a leader does with a write, ``apply(_:)`` what every member does with what came of it.
package struct DataTree: Hashable, Sendable {
    package internal(set) var nodes: [NodePath: Znode]
    /// The ephemeral znodes of each session.
    package internal(set) var ephemerals: [Int64: Set<NodePath>] = [:]
    /// The timeout of each session, in milliseconds.
    package internal(set) var sessions: [Int64: Int64] = [:]
    /// The last change that was applied.
    package internal(set) var lastZxid: Int64 = 0

    /// A tree as new servers have it: the root, and what the servers keep for themselves.
    package init() {
        nodes = [:]
        for path in ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"].map(NodePath.init(unchecked:)) {
            nodes[path] = Znode(acl: [path.name == "config" ? .readable : .open], zxid: 0, time: 0)
            if let parent = path.parent { nodes[parent]?.children.insert(path) }
        }
    }

    // MARK: Applying

    /// Executes a change, and tells what to answer and what watches are to see, in order.
    package mutating func apply(_ logged: LoggedChange) -> (result: Result<Reply, Refusal>, news: [TreeNews]) {
        var news: [TreeNews] = []
        let result = apply(logged.change, logged, &news)
        lastZxid = max(lastZxid, logged.zxid)
        return (result, news)
    }

    private mutating func apply(
        _ change: TreeChange, _ logged: LoggedChange, _ news: inout [TreeNews]
    ) -> Result<Reply, Refusal> {
        switch change {
        case .create(let path, let data, let acl, let lifetime, let count):
            let node = Znode(data: data, acl: acl, lifetime: lifetime, zxid: logged.zxid, time: logged.time)
            insert(path, node, count: count)
            news.append(self.news(.created, path))
            return .success(.created(path, node.stat))
        case .delete(let path):
            news.append(self.news(.deleted, path))
            remove(path, zxid: logged.zxid)
            return .success(.done)
        case .set(let path, let data, let version):
            nodes[path]?.data = data
            nodes[path]?.version = version
            nodes[path]?.mzxid = logged.zxid
            nodes[path]?.mtime = logged.time
            news.append(self.news(.dataChanged, path))
            return nodes[path].map { .success(.stat($0.stat)) } ?? .failure(.noNode)
        case .setACL(let path, let acl, let version):
            nodes[path]?.acl = acl
            nodes[path]?.aversion = version
            return .success(.done)
        case .check:
            return .success(.done)
        case .transaction(let changes):
            var results: [Transaction.Result] = []
            for change in changes {
                if case .success(let reply) = apply(change, logged, &news) { results.append(.init(change, reply)) }
            }
            return .success(.committed(results))
        case .openSession(let timeout):
            sessions[logged.session] = timeout
            return .success(.done)
        case .closeSession:
            // The servers keep them in a hash table, in no order; here the order is that of the bytes.
            let paths = ephemerals[logged.session, default: []].sorted()
            for path in paths {
                news.append(self.news(.deleted, path))
                remove(path, zxid: logged.zxid)
            }
            ephemerals[logged.session] = nil
            sessions[logged.session] = nil
            return .success(.done)
        case .refusal(let refusal):
            return .failure(refusal)
        }
    }

    private func news(_ kind: TreeNews.Kind, _ path: NodePath) -> TreeNews {
        TreeNews(
            kind: kind, path: path, acl: nodes[path]?.acl ?? [],
            parentACL: nodes[path.parent ?? .root]?.acl ?? [])
    }

    mutating func insert(_ path: NodePath, _ node: Znode, count: Int32) {
        nodes[path] = node
        if let parent = path.parent {
            nodes[parent]?.children.insert(path)
            // Never back, as members that replay their log may have a newer count. So the last number, 2147483647, is given again
            // and again: measured with a server of version 3.8.0.
            if let known = nodes[parent]?.childrenCreated, count > known {
                nodes[parent]?.childrenCreated = count
                nodes[parent]?.pzxid = node.czxid
            }
        }
        if case .session(let id) = node.lifetime { ephemerals[id, default: []].insert(path) }
    }

    private mutating func remove(_ path: NodePath, zxid: Int64) {
        guard let node = nodes.removeValue(forKey: path) else { return }
        if let parent = path.parent {
            nodes[parent]?.children.remove(path)
            if let pzxid = nodes[parent]?.pzxid { nodes[parent]?.pzxid = max(pzxid, zxid) }
        }
        guard case .session(let id) = node.lifetime else { return }
        ephemerals[id]?.remove(path)
        if ephemerals[id]?.isEmpty == true { ephemerals[id] = nil }
    }

    // MARK: What the servers clean up

    /// Containers that were used and are empty, and znodes whose time to live is over.
    package func removable(at time: Int64) -> [NodePath] {
        nodes.filter { _, node in
            guard node.children.isEmpty else { return false }
            switch node.lifetime {
            case .container: return node.childrenCreated > 0
            case .timeToLive(let milliseconds): return time - node.mtime > milliseconds
            case .persistent, .session: return false
            }
        }.keys.sorted()
    }
}

extension [NodePath] {
    func sorted() -> [NodePath] { sorted { $0.string.utf8.lexicographicallyPrecedes($1.string.utf8) } }
}

extension Set<NodePath> {
    func sorted() -> [NodePath] { Array(self).sorted() }
}

extension [NodePath: Znode].Keys {
    fileprivate func sorted() -> [NodePath] { Array(self).sorted() }
}

extension Transaction.Result {
    fileprivate init(_ change: TreeChange, _ reply: Reply) {
        switch (change, reply) {
        case (.create(let path, _, _, _, _), _): self = .created(path)
        case (.set, .stat(let stat)): self = .set(stat)
        case (.delete, _): self = .deleted
        default: self = .checked
        }
    }
}

extension Refusal {
    /// What a server says no with.
    package static func server(_ code: ZooKeeperError.Code) -> Refusal { Refusal(code: code, mayBeExecuted: false) }
    static let noNode = server(.noNode)
}
