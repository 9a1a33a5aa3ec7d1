/// Who waits, in the order in which they came; also those in the middle may leave. All in constant time, or nearly so.
struct WaitingLine<Waiter: Sendable>: Sendable {
    private struct Place: Sendable {
        var ticket: UInt64
        /// `nil`: left.
        var waiter: Waiter?
    }

    /// By ticket, which rises. Those before `head` are done.
    private var places: [Place] = []
    private var head = 0
    private var nextTicket: UInt64 = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// - Returns: the ticket, with which to leave.
    @discardableResult
    mutating func append(_ waiter: Waiter) -> UInt64 {
        defer { nextTicket += 1 }
        places.append(Place(ticket: nextTicket, waiter: waiter))
        count += 1
        return nextTicket
    }

    mutating func popFirst() -> Waiter? {
        while head < places.count {
            let waiter = places[head].waiter
            places[head].waiter = nil
            head += 1
            guard let waiter else { continue }
            count -= 1
            makeRoom()
            return waiter
        }
        makeRoom()
        return nil
    }

    /// - Returns: who left, and how many were ahead; `nil` when its turn had come, or it had left before.
    mutating func remove(_ ticket: UInt64) -> (waiter: Waiter, ahead: Int)? {
        guard let index = index(of: ticket), let waiter = places[index].waiter else { return nil }
        places[index].waiter = nil
        count -= 1
        return (waiter, places[head..<index].reduce(into: 0) { if $1.waiter != nil { $0 += 1 } })
    }

    mutating func removeAll() -> [Waiter] {
        let waiters = waiting
        (places, head, count) = ([], 0, 0)
        return waiters
    }

    /// In order.
    var waiting: [Waiter] { places[head...].compactMap(\.waiter) }

    private func index(of ticket: UInt64) -> Int? {
        var (low, high) = (head, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        return low < places.count && places[low].ticket == ticket ? low : nil
    }

    private mutating func makeRoom() {
        if head == places.count {
            places.removeAll(keepingCapacity: places.count <= 64)
            head = 0
        } else if head > 64, head > places.count / 2 {
            places.removeFirst(head)
            head = 0
        }
    }
}
