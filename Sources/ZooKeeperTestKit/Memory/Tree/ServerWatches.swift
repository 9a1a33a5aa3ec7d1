package import ZooKeeper

/// The watches that a server keeps: for each znode, the connections that are to be told once.
package struct ServerWatches: Hashable, Sendable {
    /// Set by `get` and `exists`.
    private var data: [NodePath: Set<ConnectionID>] = [:]
    private var children: [NodePath: Set<ConnectionID>] = [:]

    package init() {}

    package mutating func add(_ request: ServerRequest, for connection: ConnectionID, found: Bool) {
        switch request {
        case .get(let path, true) where found: data[path, default: []].insert(connection)
        case .exists(let path, true): data[path, default: []].insert(connection)
        case .children(let path, true) where found: children[path, default: []].insert(connection)
        default: break
        }
    }

    /// An event for a connection, if that one may read what it is about.
    struct Told {
        var connection: ConnectionID
        var event: WatchEvent
        var acl: [ACL]
    }

    /// Whom a change is told to, in order. The watches are used up by it.
    mutating func fire(_ news: TreeNews) -> [Told] {
        let path = news.path
        let parent = path.parent ?? .root
        switch news.kind {
        case .created:
            return take(&data, path, .created, news.acl) + take(&children, parent, .childrenChanged, news.parentACL)
        case .dataChanged:
            return take(&data, path, .dataChanged, news.acl)
        case .deleted:
            let told = take(&data, path, .deleted, news.acl)
            // A connection is told once that a znode is gone, whatever it watched of it.
            let others = take(&children, path, .deleted, news.acl).filter { other in
                !told.contains { $0.connection == other.connection }
            }
            return told + others + take(&children, parent, .childrenChanged, news.parentACL)
        }
    }

    private func take(
        _ list: inout [NodePath: Set<ConnectionID>], _ path: NodePath, _ kind: WatchEvent.Kind, _ acl: [ACL]
    ) -> [Told] {
        guard let connections = list.removeValue(forKey: path) else { return [] }
        return connections.sorted().map { Told(connection: $0, event: WatchEvent(kind, path: path), acl: acl) }
    }

    /// A client that is connected again sets what it watched: what has changed since is told at once.
    package mutating func set(
        _ packet: WatchPacket, for connection: ConnectionID, in tree: DataTree
    ) -> [WatchEvent] {
        var events: [WatchEvent] = []
        for path in packet.data {
            guard let node = tree.nodes[path] else {
                events.append(WatchEvent(.deleted, path: path))
                continue
            }
            if node.mzxid > packet.lastZxid {
                events.append(WatchEvent(.dataChanged, path: path))
            } else {
                data[path, default: []].insert(connection)
            }
        }
        for path in packet.exists {
            if tree.nodes[path] != nil {
                events.append(WatchEvent(.created, path: path))
            } else {
                data[path, default: []].insert(connection)
            }
        }
        for path in packet.children {
            guard let node = tree.nodes[path] else {
                events.append(WatchEvent(.deleted, path: path))
                continue
            }
            if node.pzxid > packet.lastZxid {
                events.append(WatchEvent(.childrenChanged, path: path))
            } else {
                children[path, default: []].insert(connection)
            }
        }
        return events
    }

    package mutating func removeAll(of connection: ConnectionID) {
        Self.remove(connection, from: &data)
        Self.remove(connection, from: &children)
    }

    private static func remove(_ connection: ConnectionID, from list: inout [NodePath: Set<ConnectionID>]) {
        for (path, connections) in list where connections.contains(connection) {
            list[path]?.remove(connection)
            if connections.count == 1 { list[path] = nil }
        }
    }
}

/// The watches that a client sets again after it has connected again.
package struct WatchPacket: Hashable, Sendable {
    /// The last write that the client has seen.
    package var lastZxid: Int64
    package var data: [NodePath]
    package var exists: [NodePath]
    package var children: [NodePath]

    package init(lastZxid: Int64, data: [NodePath] = [], exists: [NodePath] = [], children: [NodePath] = []) {
        self.lastZxid = lastZxid
        self.data = data
        self.exists = exists
        self.children = children
    }

    package var isEmpty: Bool { data.isEmpty && exists.isEmpty && children.isEmpty }
}
