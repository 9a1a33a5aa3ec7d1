public import ZooKeeper

/// The queue of a lock, now and after each contender that comes or goes.
///
/// Built on one-shot watches, not on polling: the list is read together with the watch for the next change, so none goes unseen; changes
/// that come faster than they are read show as one. It goes on through lost connections and into new sessions, and through the
/// removal of the lock's path, which shows as an empty queue.
///
/// Every change of the queue wakes whoever reads this, as with any watch of a list; a contender has no need of it.
public struct QueueChanges: AsyncSequence, Sendable {
    public typealias Element = QueueSnapshot

    fileprivate let client: ZooKeeperClient
    fileprivate let path: NodePath

    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: QueueReader(client, path))
    }

    public struct Iterator: AsyncIteratorProtocol {
        private struct State {
            var reader: QueueReader
            var last: QueueSnapshot?
        }

        private var state: State
        private var cursor = ChangeCursor()

        fileprivate init(reader: QueueReader) {
            state = State(reader: reader)
        }

        /// - Returns: the next snapshot; `nil` when the calling task is cancelled.
        /// - Throws: ``ZooKeeperError`` that cannot be retried: `closed`, `notAuthorized`, `tooManyWatches`.
        public mutating func next() async throws(ZooKeeperError) -> QueueSnapshot? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ZooKeeperError) -> QueueSnapshot? {
            try await cursor.next(&state) { state async throws(ZooKeeperError) in
                let (snapshot, watch) = try await Self.read(&state.reader)
                // Another child came or went, or there is a new session.
                guard snapshot != state.last else { return (nil, watch) }
                state.last = snapshot
                return (snapshot, watch)
            }
        }

        private static func read(
            _ reader: inout QueueReader
        ) async throws(ZooKeeperError) -> (QueueSnapshot, Watch) {
            while true {
                do throws(ZooKeeperError) {
                    let (names, watch) = try await reader.client.childrenAndWatch(reader.path)
                    return (try await reader.read(names), watch)
                } catch {
                    guard error.code == .noNode else { throw error }
                }
                // It may have been created meanwhile.
                let (stat, watch) = try await reader.client.existsAndWatch(reader.path)
                if stat == nil { return (try await reader.read([]), watch) }
            }
        }
    }
}

extension ZooKeeperClient {
    /// The queue of the lock at `path`, as of now; without contenders when nobody holds it, or when there is no such path.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized` when the path may not be listed, or what any request may throw.
    public func queue(of path: NodePath) async throws(ZooKeeperError) -> QueueSnapshot {
        var reader = QueueReader(self, path)
        do throws(ZooKeeperError) {
            let (names, parent) = try await childrenAndStat(path)
            var snapshot = try await reader.read(names)
            snapshot.holdingSince = await reader.holdingSince(snapshot, parent)
            return snapshot
        } catch {
            guard error.code == .noNode else { throw error }
            return QueueSnapshot(path: path)
        }
    }

    /// The queue of the lock at `path`, now and after each contender that comes or goes.
    public func queueChanges(of path: NodePath) -> QueueChanges {
        QueueChanges(client: self, path: path)
    }
}
