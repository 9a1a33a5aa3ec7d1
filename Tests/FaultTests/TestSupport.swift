import Testing
import ZooKeeper
import ZooKeeperTestKit

/// One after the other: each starts servers of its own, and is about times.
@Suite(.serialized, .timeLimit(.minutes(10))) struct FaultTests {}

extension ZooKeeperClient.Configuration {
    static func quiet(_ servers: String, sessionTimeout: Duration = .seconds(10)) -> Self {
        var configuration = Self(servers: servers)
        configuration.logger.logLevel = .critical
        configuration.sessionTimeout = sessionTimeout
        return configuration
    }
}

/// The first element that `condition` holds for.
func first<S: AsyncSequence<E, Never> & Sendable, E: Sendable>(of sequence: S, where condition: (E) -> Bool) async -> E?
{
    for await element in sequence where condition(element) { return element }
    return nil
}

/// Measures and prints how long something takes.
func timing<R>(
    _ what: String,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> R
) async rethrows -> R {
    let start = ContinuousClock.now
    let result = try await body()
    print("\(what): \((ContinuousClock.now - start).milliseconds) ms")
    return result
}

extension Duration {
    /// For people.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

/// Collects what happens in many tasks.
final class Recorder<Element: Sendable>: Sendable {
    private let elements = Locked<[Element]>([])

    func append(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}

/// Counts in many tasks.
final class Counter: Sendable {
    private let count = Locked(0)

    @discardableResult
    func add(_ number: Int = 1) -> Int {
        count.withLock { count in
            count += number
            return count
        }
    }
    var value: Int { count.withLock { $0 } }
}
