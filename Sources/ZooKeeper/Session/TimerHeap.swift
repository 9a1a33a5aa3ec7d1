/// Values ordered by the instant at which they are due; the earliest is found at once.
struct TimerHeap<Value> {
    struct Key: Hashable, Sendable { fileprivate let number: UInt64 }

    private struct Entry {
        var due: Uptime
        var number: UInt64
    }

    private var heap: [Entry] = []
    /// Entries of the heap that are not here any more were cancelled; they are dropped when they come up.
    private var values: [UInt64: Value] = [:]
    private var nextNumber: UInt64 = 0

    init() {}

    var count: Int { values.count }
    /// Cancelled entries included.
    var capacityInUse: Int { heap.count }

    mutating func insert(_ value: Value, due: Uptime) -> Key {
        let number = nextNumber
        nextNumber += 1
        values[number] = value
        heap.append(Entry(due: due, number: number))
        siftUp(heap.count - 1)
        return Key(number: number)
    }

    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        let value = values.removeValue(forKey: key.number)
        // Cancelled timers are the common case (an acquire that did not time out): keep the heap from filling up.
        if heap.count > 64, heap.count > 2 * values.count {
            heap.removeAll { values[$0.number] == nil }
            for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
        }
        return value
    }

    /// When the earliest value is due.
    var earliest: Uptime? {
        mutating get {
            while let top = heap.first, values[top.number] == nil { removeTop() }
            return heap.first?.due
        }
    }

    /// Takes out the earliest value if it is due at `now`.
    mutating func popDue(at now: Uptime) -> Value? {
        guard let earliest, earliest <= now else { return nil }
        let number = heap[0].number
        removeTop()
        return values.removeValue(forKey: number)
    }

    private mutating func removeTop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private func precedes(_ lhs: Int, _ rhs: Int) -> Bool {
        (heap[lhs].due, heap[lhs].number) < (heap[rhs].due, heap[rhs].number)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, precedes(index, (index - 1) / 2) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
