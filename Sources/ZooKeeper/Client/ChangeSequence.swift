/// What a znode holds now, and then after each change.
///
/// Built on one-shot watches: each element is read together with the watch for the next, so no change goes unseen; changes that
/// come faster than they are read show as one. It goes on through lost connections and into new sessions; then the value is read
/// again, and it is told if it may differ.
public struct ChangeSequence<Element: Sendable>: AsyncSequence, Sendable {
    fileprivate typealias Read = @Sendable () async throws(ZooKeeperError) -> (Element, Watch)

    private let read: Read

    fileprivate init(_ read: @escaping Read) {
        self.read = read
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(read: read)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private var read: Read
        private var cursor = ChangeCursor()

        fileprivate init(read: @escaping Read) {
            self.read = read
        }

        /// - Returns: the next value; `nil` when the calling task is cancelled.
        /// - Throws: ``ZooKeeperError`` that cannot be retried: `closed`, `notAuthorized`, `noNode` where the sequence needs the
        ///   znode.
        public mutating func next() async throws(ZooKeeperError) -> Element? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ZooKeeperError) -> Element? {
            try await cursor.next(&read) { read async throws(ZooKeeperError) in
                let (element, watch) = try await read()
                return (element, watch)
            }
        }
    }
}

extension ZooKeeperClient {
    /// The data and the `Stat` of a znode, now and after each change; `nil` while there is no such znode.
    public func changes(of path: NodePath) -> ChangeSequence<(data: [UInt8], stat: Stat)?> {
        ChangeSequence { () async throws(ZooKeeperError) in
            while true {
                do throws(ZooKeeperError) {
                    let (data, stat, watch) = try await self.getAndWatch(path)
                    return ((data, stat), watch)
                } catch {
                    guard error.code == .noNode else { throw error }
                }
                // It may have been created meanwhile.
                let (stat, watch) = try await self.existsAndWatch(path)
                if stat == nil { return (nil, watch) }
            }
        }
    }

    /// The names of the children of a znode, now and after each child that is created or deleted.
    ///
    /// The sequence throws `noNode` when the znode is missing or is deleted.
    public func childrenChanges(of path: NodePath) -> ChangeSequence<[String]> {
        ChangeSequence { () async throws(ZooKeeperError) in
            let (names, watch) = try await self.childrenAndWatch(path)
            return (names, watch)
        }
    }
}
