package import ZooKeeper

/// The watches as a client of the servers keeps them, in the lists and by the rules of the C client.
package struct ClientWatches<ID: Hashable & Sendable>: Hashable, Sendable {
    private var data: [NodePath: [ID]] = [:]
    private var exists: [NodePath: [ID]] = [:]
    private var children: [NodePath: [ID]] = [:]

    package init() {}

    /// The answer to the request that carried the watch has come.
    package mutating func add(_ id: ID, for request: ServerRequest, _ result: Result<Reply, Refusal>) {
        switch (request, result) {
        case (.get(let path, true), .success), (.exists(let path, true), .success):
            data[path, default: []].append(id)
        case (.exists(let path, true), .failure(let refusal)) where refusal.code == .noNode:
            exists[path, default: []].append(id)
        case (.children(let path, true), .success):
            children[path, default: []].append(id)
        default: break
        }
    }

    /// Adds one to those that have watched that node by `get`. Says whether there are any.
    package mutating func join(_ id: ID, at path: NodePath) -> Bool {
        data[path]?.append(id) != nil
    }

    /// The watches that see an event, in the order in which the C client calls them.
    package mutating func take(_ event: WatchEvent) -> [ID] {
        func take(_ list: inout [NodePath: [ID]]) -> [ID] { list.removeValue(forKey: event.path) ?? [] }
        switch event.kind {
        case .created, .dataChanged:
            let nodes = take(&data)
            return take(&exists) + nodes
        case .childrenChanged:
            return take(&children)
        case .deleted:
            let nodes = take(&data)
            let missing = take(&exists)
            return take(&children) + missing + nodes
        case .other:
            return []
        }
    }

    /// What is to be set again on the next connection; `nil` when nothing is.
    package func packet(lastZxid: Int64) -> WatchPacket? {
        let packet = WatchPacket(
            lastZxid: lastZxid, data: Set(data.keys).sorted(), exists: Set(exists.keys).sorted(),
            children: Set(children.keys).sorted())
        return packet.isEmpty ? nil : packet
    }
}
