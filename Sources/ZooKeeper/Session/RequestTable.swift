/// The requests of one session that wait for their answer.
///
/// A slot is reserved before the request is made, so that a cancellation that comes first is not lost; it is emptied by the
/// first of answer, deadline, cancellation and the end of the session. Each completion thus runs exactly once.
struct RequestTable {
    enum Completion {
        case continuation(UnsafeContinuation<RequestResult, Never>)
        case handler(@Sendable (RequestResult) -> Void)

        func callAsFunction(_ result: RequestResult) {
            switch self {
            case .continuation(let continuation): continuation.resume(returning: result)
            case .handler(let handler): handler(result)
            }
        }
    }

    /// What is kept about a request that was made.
    struct Entry {
        var completion: Completion
        var start = Uptime.now
        var deadline: Uptime
        var isWrite: Bool
        /// It was handed to the transport, so a server may have it.
        var isSent: Bool
        var watch: WatchID?
    }

    fileprivate enum Slot {
        case reserved
        case cancelled
        case waiting(Entry)
        /// Nobody waits for the answer any more, but it says whether the watch is set.
        case abandoned(WatchID)
    }

    /// What an answer is for.
    enum Recipient {
        case entry(Entry)
        case watch(WatchID)
    }

    private var slots = SlotArray<Slot>()

    var count: Int { slots.count }

    mutating func reserve() -> RequestID {
        RequestID(key: slots.insert(.reserved))
    }

    /// Whether the request may be made; if it was cancelled already, or the session ended, its slot is given up.
    mutating func enter(_ id: RequestID, _ entry: Entry) -> Bool {
        guard case .reserved = slots[id.key] else {
            _ = slots.remove(id.key)
            return false
        }
        slots[id.key] = .waiting(entry)
        return true
    }

    /// Makes a request that nobody can cancel.
    mutating func insert(_ entry: Entry) -> RequestID {
        RequestID(key: slots.insert(.waiting(entry)))
    }

    /// Says whether anybody still waits for the answer.
    mutating func markSent(_ id: RequestID) -> Bool {
        guard case .waiting(var entry) = slots[id.key] else { return false }
        entry.isSent = true
        slots[id.key] = .waiting(entry)
        return true
    }

    /// The transport did not take it after all. Says whether anybody still waits for the answer.
    mutating func unmarkSent(_ id: RequestID) -> Bool {
        guard case .waiting(var entry) = slots[id.key] else { return false }
        entry.isSent = false
        slots[id.key] = .waiting(entry)
        return true
    }

    func contains(_ id: RequestID) -> Bool {
        if case .waiting = slots[id.key] { true } else { false }
    }

    mutating func remove(_ id: RequestID) -> Recipient? {
        switch slots.remove(id.key) {
        case .waiting(let entry): .entry(entry)
        case .abandoned(let watch): .watch(watch)
        case .reserved, .cancelled, nil: nil
        }
    }

    mutating func cancel(_ id: RequestID) -> Entry? {
        switch slots[id.key] {
        case .waiting(let entry):
            giveUp(id.key, entry)
            return entry
        case .reserved:
            slots[id.key] = .cancelled
            return nil
        case .cancelled, .abandoned, nil:
            return nil
        }
    }

    mutating func removeOverdue(at now: Uptime) -> [Entry] {
        var overdue: [(UInt64, Entry)] = []
        slots.forEach { key, slot in
            if case .waiting(let entry) = slot, entry.deadline <= now { overdue.append((key, entry)) }
        }
        for (key, entry) in overdue { giveUp(key, entry) }
        return overdue.map(\.1)
    }

    /// The answer is not waited for any more.
    private mutating func giveUp(_ key: UInt64, _ entry: Entry) {
        if entry.isSent, let watch = entry.watch {
            slots[key] = .abandoned(watch)
        } else {
            _ = slots.remove(key)
        }
    }

    mutating func removeAll() -> [Entry] {
        slots.removeAll { $0.entry != nil }.compactMap(\.entry)
    }

    var earliestDeadline: Uptime? {
        var earliest: Uptime?
        slots.forEach { _, slot in
            guard case .waiting(let entry) = slot else { return }
            earliest = min(earliest ?? entry.deadline, entry.deadline)
        }
        return earliest
    }
}

extension RequestTable.Slot {
    fileprivate var entry: RequestTable.Entry? {
        if case .waiting(let entry) = self { entry } else { nil }
    }
}

/// Names one request of one session.
package struct RequestID: Hashable, Sendable {
    let key: UInt64
}
