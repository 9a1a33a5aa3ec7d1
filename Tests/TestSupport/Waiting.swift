import Testing
import ZooKeeper
import ZooKeeperLocks

/// The first element that `condition` holds for.
package func first<S: AsyncSequence<E, Never> & Sendable, E: Sendable>(
    of sequence: S, where condition: (E) -> Bool
) async -> E? {
    for await element in sequence where condition(element) { return element }
    return nil
}

/// Waits until so many stand in the queue.
package func untilChildren(of lock: DistributedLock, count: Int) async throws {
    try await untilChildren(of: lock.path, lock.client, count: count)
}

/// Waits until so many stand in the queue below the path, which need not be there yet.
package func untilChildren(of path: NodePath, _ client: ZooKeeperClient, count: Int) async throws {
    while true {
        do throws(ZooKeeperError) {
            let (names, watch) = try await client.childrenAndWatch(path)
            if names.count == count { return }
            _ = try await watch.event()
        } catch {
            guard error.code == .noNode || error.isRetriable else { throw error }
            await Task.yield()
        }
    }
}

/// Expects that nobody is left below the path: at once, or on a busy machine before long, as whoever leaves waits only a second for the
/// servers' answer.
///
/// - Parameter limit: less than the timeout of the sessions that were there: whoever leaves nothing behind does not need their end.
package func expectNobodyLeft(
    at path: NodePath, _ client: ZooKeeperClient, within limit: Duration = .seconds(6),
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    do {
        try await within(limit) { try await untilChildren(of: path, client, count: 0) }
    } catch is TooLong {
        let names = try await client.children(path)
        Issue.record("still there: \(names)", sourceLocation: sourceLocation)
    }
}

/// Measures and prints how long something takes.
package func timing<R>(
    _ what: String,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> R
) async rethrows -> R {
    let start = ContinuousClock.now
    let result = try await body()
    print("\(what): \((ContinuousClock.now - start).milliseconds) ms")
    return result
}
