import Synchronization
import Testing
import ZooKeeper
import ZooKeeperLocks

/// Collects what happens in many tasks.
final class Recorder<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    /// Says how many there are now.
    @discardableResult
    func append(_ element: Element) -> Int {
        elements.withLock { elements in
            elements.append(element)
            return elements.count
        }
    }

    func removeAll() {
        elements.withLock { $0 = [] }
    }

    var all: [Element] { elements.withLock { $0 } }
}

/// The first element that `condition` holds for.
func first<S: AsyncSequence<E, Never> & Sendable, E: Sendable>(of sequence: S, where condition: (E) -> Bool) async -> E?
{
    for await element in sequence where condition(element) { return element }
    return nil
}

/// Waits until so many stand in the queue.
func untilChildren(of lock: DistributedLock, count: Int) async throws {
    while true {
        do throws(ZooKeeperError) {
            let (names, watch) = try await lock.client.childrenAndWatch(lock.path)
            if names.count == count { return }
            _ = try await watch.event()
        } catch {
            guard error.code == .noNode || error.isRetriable else { throw error }
            await Task.yield()
        }
    }
}

/// Expects `body` to throw a ``ZooKeeperError`` with that code.
func expect<R>(
    _ code: ZooKeeperError.Code,
    isolation: isolated (any Actor)? = #isolation,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> R
) async {
    do {
        _ = try await body()
        Issue.record("no error; expected \(code)", sourceLocation: sourceLocation)
    } catch {
        #expect((error as? ZooKeeperError)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
}
