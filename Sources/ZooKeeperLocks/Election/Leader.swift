public import ZooKeeper

/// Who leads, as somebody who looks on sees it.
public struct Leader: Hashable, Sendable {
    /// Its znode.
    public var node: NodePath
    /// The token that it leads with: larger than that of every leader before.
    public var fencingToken: FencingToken
    /// The session that keeps it in office.
    public var session: Int64
    /// Its record, where it wrote one: candidates of this library do.
    public var owner: Owner?

    /// What it says of itself to people: ``LeaderElection/Options/label``.
    public var label: String? { owner?.label }
    /// What it tells the others: ``LeaderElection/Options/data``.
    public var data: [UInt8] { owner?.payload ?? [] }

    init(_ entry: QueueEntry) {
        node = entry.node
        fencingToken = entry.fencingToken
        session = entry.session
        owner = entry.owner
        // Whether it has been asked to step down is not what makes it another leader.
        owner?.revocation = nil
    }
}

extension Leader: CustomStringConvertible {
    public var description: String { "\(owner?.description ?? String(node.name)), token \(fencingToken)" }
}

/// Who leads, now and after each change; `nil` while nobody does.
///
/// Watches the leader's znode alone: candidates that come and go wake nobody who just wants to know whom to ask. Leaders that change faster
/// than they are read are passed over. It goes on through lost connections and into new sessions.
public struct Leaders: AsyncSequence, Sendable {
    public typealias Element = Leader?

    fileprivate let client: ZooKeeperClient
    fileprivate let path: NodePath

    public func makeAsyncIterator() -> Iterator {
        Iterator(client: client, path: path)
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate struct State {
            let client: ZooKeeperClient
            let path: NodePath
            var last: Leader??
        }

        private var state: State
        private var cursor = ChangeCursor()

        fileprivate init(client: ZooKeeperClient, path: NodePath) {
            state = State(client: client, path: path)
        }

        /// - Returns: who leads now, when that is another one than before; `nil` in the outer optional when the calling task is cancelled.
        /// - Throws: ``ZooKeeperError`` that cannot be retried: `closed`, `notAuthorized`, `tooManyWatches`.
        public mutating func next() async throws(ZooKeeperError) -> Leader?? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ZooKeeperError) -> Leader?? {
            try await cursor.next(&state) { state async throws(ZooKeeperError) in
                let (leader, watch) = try await state.read()
                guard state.last == nil || state.last != .some(leader) else { return (nil, watch) }
                state.last = .some(leader)
                return (.some(leader), watch)
            }
        }
    }
}

extension Leaders.Iterator.State {
    /// Reads who leads, and watches what has to change first if that is to be somebody else.
    fileprivate func read() async throws(ZooKeeperError) -> (Leader?, Watch) {
        while true {
            do throws(ZooKeeperError) {
                if let head = QueueNames(try await client.children(path)).contenders.first {
                    return try await read(head)
                }
                let (names, watch) = try await client.childrenAndWatch(path)
                // Somebody came in between: that one's znode is the one to watch.
                guard QueueNames(names).contenders.isEmpty else { continue }
                return (nil, watch)
            } catch {
                // The path, or the leader, is gone; the next look tells which.
                guard error.code == .noNode else { throw error }
            }
            let (stat, watch) = try await client.existsAndWatch(path)
            if stat == nil { return (nil, watch) }
        }
    }

    private func read(_ head: ContenderName) async throws(ZooKeeperError) -> (Leader, Watch) {
        let node = path.appending(unchecked: head.string)
        do throws(ZooKeeperError) {
            let (data, stat, watch) = try await client.getAndWatch(node)
            return (Leader(QueueEntry(head, at: node, stat, data: data)), watch)
        } catch {
            guard error.code == .notAuthorized else { throw error }
        }
        // That somebody leads is no secret, even if who it is may be.
        let (stat, watch) = try await client.existsAndWatch(node)
        guard let stat else { throw ZooKeeperError(.noNode, operation: "exists", path: node) }
        return (Leader(QueueEntry(head, at: node, stat, data: nil)), watch)
    }
}

extension LeaderElection {
    /// Who leads, now and after each change, for candidates and everybody else. The first element comes at once: `nil` when nobody leads.
    ///
    /// Whoever is shown is at the head of the queue: it leads, or is about to learn that it does.
    public var leaders: Leaders { Leaders(client: client, path: path) }

    /// Who leads now; `nil` when nobody does.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized` when the path may not be listed, or what any request may throw.
    public func leader() async throws(ZooKeeperError) -> Leader? {
        do throws(ZooKeeperError) {
            for name in QueueNames(try await client.children(path)).contenders {
                if let entry = try await QueueReader.entry(name, at: path, client) { return Leader(entry) }
            }
            return nil
        } catch {
            guard error.code == .noNode else { throw error }
            return nil
        }
    }
}
