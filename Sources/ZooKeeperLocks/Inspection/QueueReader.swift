import ZooKeeper

/// Reads what contenders say of themselves, each once: a queue that moves on by one costs one listing.
struct QueueReader: Sendable {
    let client: ZooKeeperClient
    let path: NodePath
    private var known: [ContenderName: QueueEntry] = [:]

    /// How many are asked for at the same time.
    private static let width = 64

    init(_ client: ZooKeeperClient, _ path: NodePath) {
        self.client = client
        self.path = path
    }

    /// - Parameter names: the children of the lock's path.
    mutating func read(_ names: [String]) async throws(ZooKeeperError) -> QueueSnapshot {
        let names = QueueNames(names)
        let current = Set(names.contenders)
        known = known.filter { current.contains($0.key) }
        for (name, entry) in try await entries(of: names.contenders.filter { known[$0] == nil }) { known[name] = entry }
        // Whoever left between the listing and the reading is not there any more.
        return QueueSnapshot(
            path: path, entries: names.contenders.compactMap { known[$0] }, others: names.others,
            permits: try await permits(names.contenders))
    }

    /// Of a semaphore, which its contenders tell by their names.
    private func permits(_ names: [ContenderName]) async throws(ZooKeeperError) -> Int? {
        guard names.contains(where: { if case .permits = $0.claim { true } else { false } }) else { return nil }
        do throws(ZooKeeperError) {
            return ParentData(try await client.get(path).data).permits
        } catch {
            guard error.code == .noNode || error.code == .notAuthorized else { throw error }
            return nil
        }
    }

    private func entries(of names: [ContenderName]) async throws(ZooKeeperError) -> [(ContenderName, QueueEntry)] {
        var entries: [(ContenderName, QueueEntry)] = []
        var rest = names[...]
        while !rest.isEmpty {
            for reading in await Self.read(rest.prefix(Self.width), at: path, client) {
                if let entry = try reading.result.get() { entries.append((reading.name, entry)) }
            }
            rest = rest.dropFirst(Self.width)
        }
        return entries
    }

    // A group of tuples with such a result comes back empty, or as garbage, in a release build (Swift 6.3.1).
    private struct Reading: Sendable {
        var name: ContenderName
        var result: Result<QueueEntry?, ZooKeeperError>
    }

    private static func read(
        _ names: ArraySlice<ContenderName>, at path: NodePath, _ client: ZooKeeperClient
    ) async -> [Reading] {
        await withTaskGroup(of: Reading.self) { group in
            for name in names {
                group.addTask { await Reading(name: name, result: result(name, at: path, client)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func result(
        _ name: ContenderName, at path: NodePath, _ client: ZooKeeperClient
    ) async -> Result<QueueEntry?, ZooKeeperError> {
        do throws(ZooKeeperError) {
            return .success(try await entry(name, at: path, client))
        } catch {
            return .failure(error)
        }
    }

    /// - Returns: `nil` when it is gone.
    static func entry(
        _ name: ContenderName, at path: NodePath, _ client: ZooKeeperClient
    ) async throws(ZooKeeperError) -> QueueEntry? {
        let node = path.appending(unchecked: name.string)
        do throws(ZooKeeperError) {
            let (data, stat) = try await client.get(node)
            return QueueEntry(name, at: node, stat, data: data)
        } catch {
            guard error.code == .notAuthorized else {
                if error.code == .noNode { return nil }
                throw error
            }
            // Not to be read by us, but its place in the queue is no secret.
            return try await client.exists(node).map { QueueEntry(name, at: node, $0, data: nil) }
        }
    }
}
