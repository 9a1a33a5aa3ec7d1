/// What is due when. What is due at the same time happens in the order in which it was entered.
struct Agenda<Item> {
    private var heap: [(due: Int64, number: UInt64, item: Item)] = []
    private var lastNumber: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var nextDue: Int64? { heap.first?.due }

    mutating func add(_ item: Item, at due: Int64) {
        lastNumber += 1
        heap.append((due, lastNumber, item))
        var index = heap.count - 1
        while index > 0, isBefore(index, (index - 1) / 2) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() -> (due: Int64, item: Item)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.due, first.item) }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            guard least != index else { return (first.due, first.item) }
            heap.swapAt(index, least)
            index = least
        }
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (heap[one].due, heap[one].number) < (heap[other].due, heap[other].number)
    }
}
