import Locking
import ZooKeeper

/// Collects what happens in many tasks.
package final class Recorder<Element: Sendable>: Sendable {
    private let elements = Locked<[Element]>([])

    package init() {}

    /// Says how many there are now.
    @discardableResult
    package func append(_ element: Element) -> Int {
        elements.withLock { elements in
            elements.append(element)
            return elements.count
        }
    }

    package func removeAll() {
        elements.withLock { $0 = [] }
    }

    package var all: [Element] { elements.withLock { $0 } }
}

/// Counts in many tasks.
package final class Counter: Sendable {
    private let count = Locked(0)

    package init() {}

    @discardableResult
    package func add(_ number: Int = 1) -> Int {
        count.withLock { count in
            count += number
            return count
        }
    }

    package var value: Int { count.withLock { $0 } }
}
