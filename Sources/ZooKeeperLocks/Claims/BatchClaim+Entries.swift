public import ZooKeeper

extension BatchClaim {
    /// Who has an item, or had it last.
    public struct Entry: Hashable, Sendable, Identifiable {
        /// The name of the item.
        public var id: String
        /// Its owner's record, where it is one of this library.
        public var owner: Owner?
        /// False when the owner has gone without releasing it, and nobody has claimed it since.
        public var isHeld: Bool
        /// That of this owner.
        public var attempt: Int
        public var fencingToken: FencingToken
        /// When it was claimed, by the servers' clock, in milliseconds since 1970.
        public var since: Int64
    }

    /// How many are read at the same time.
    private static let width = 64

    /// Who has which item, and which items were left by owners that ended uncleanly; in the order of their names. Those that are neither are
    /// not here.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized`, or what any request may throw.
    public func entries() async throws(ZooKeeperError) -> [Entry] {
        var names: [String]
        do throws(ZooKeeperError) {
            names = try await client.children(ClaimPaths.records(path))
        } catch {
            guard error.code == .noNode else { throw error }
            return []
        }
        names.sort()
        var entries: [Entry] = []
        var rest = names[...]
        while !rest.isEmpty {
            for result in await results(rest.prefix(Self.width)) {
                if let entry = try result.entry.get() { entries.append(entry) }
            }
            rest = rest.dropFirst(Self.width)
        }
        return entries
    }

    /// Who has that item, or had it last; `nil` when it is free and its last owner released it.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized`, `invalidArgument` for a name that no item has, or what any request may throw.
    public func entry(for item: ClaimedItem.ID) async throws(ZooKeeperError) -> Entry? {
        try check(item)
        do throws(ZooKeeperError) {
            let (data, stat) = try await client.get(ClaimPaths.records(path).appending(unchecked: item))
            return Entry(
                id: item, owner: Owner(data), isHeld: stat.numChildren > 0, attempt: Int(stat.version),
                fencingToken: FencingToken(rawValue: stat.mzxid), since: stat.mtime)
        } catch {
            guard error.code == .noNode else { throw error }
            return nil
        }
    }

    /// Forgets the attempts at an item that nobody has, as when it is known to be finished although its owner ended before releasing it, or
    /// when it is given up. Without that its record stays until somebody claims and releases it.
    ///
    /// - Returns: `false` when somebody has it.
    /// - Throws: ``ZooKeeperError``: `notAuthorized`, `invalidArgument` for a name that no item has, or what any request may throw.
    @discardableResult
    public func forget(_ item: ClaimedItem.ID) async throws(ZooKeeperError) -> Bool {
        try check(item)
        do throws(ZooKeeperError) {
            try await client.delete(ClaimPaths.records(path).appending(unchecked: item))
            return true
        } catch {
            switch error.code {
            case .noNode: return true
            // An owner's mark is there.
            case .notEmpty: return false
            default: throw error
            }
        }
    }

    private func check(_ item: String) throws(ZooKeeperError) {
        guard let flaw = Self.flaw(item) else { return }
        throw ZooKeeperError(.invalidArgument, operation: "batch claim", path: path, detail: flaw)
    }

    // Not a tuple with a result in it: a release build (Swift 6.3.1) makes garbage of a group of those.
    private struct Reading: Sendable {
        var index: Int
        var entry: Result<Entry?, ZooKeeperError>
    }

    private func results(_ names: ArraySlice<String>) async -> [Reading] {
        await withTaskGroup(of: Reading.self) { group in
            for (index, name) in names.enumerated() {
                group.addTask {
                    do throws(ZooKeeperError) {
                        return Reading(index: index, entry: .success(try await entry(for: name)))
                    } catch {
                        return Reading(index: index, entry: .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.index < $1.index }
        }
    }
}
