/// A leader's table of sessions: when each expires, and by which member it was connected last. Times in milliseconds.
package struct SessionTracker: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var timeout: Int64
        package var expiresAt: Int64
        /// The member whose writes are taken; `nil` when no member has asked yet.
        package var owner: MemberID?
        /// It is being closed, and nothing keeps it alive any more.
        package var isClosing = false
    }

    package private(set) var entries: [Int64: Entry] = [:]
    private let tick: Int64

    init(tick: Int64) {
        self.tick = tick
    }

    /// Sessions expire together at the end of a tick: never early, up to a tick late.
    private func expiry(_ now: Int64, _ timeout: Int64) -> Int64 {
        ((now + timeout) / tick + 1) * tick
    }

    mutating func track(_ session: Int64, timeout: Int64, owner: MemberID?, at now: Int64) {
        guard entries[session] == nil else { return }
        entries[session] = Entry(timeout: timeout, expiresAt: expiry(now, timeout), owner: owner)
    }

    /// Says whether there is such a session.
    @discardableResult
    mutating func touch(_ session: Int64, at now: Int64) -> Bool {
        guard let entry = entries[session], !entry.isClosing else { return false }
        let expiresAt = max(entry.expiresAt, expiry(now, entry.timeout))
        entries[session]?.expiresAt = expiresAt
        return true
    }

    mutating func setOwner(_ owner: MemberID, of session: Int64) {
        entries[session]?.owner = owner
    }

    mutating func markClosing(_ session: Int64) {
        entries[session]?.isClosing = true
    }

    mutating func remove(_ session: Int64) {
        entries[session] = nil
    }

    func isOpen(_ session: Int64) -> Bool {
        entries[session].map { !$0.isClosing } ?? false
    }

    func overdue(at now: Int64) -> [Int64] {
        entries.filter { !$0.value.isClosing && $0.value.expiresAt <= now }.keys.sorted()
    }

    var nextExpiry: Int64? {
        entries.values.lazy.filter { !$0.isClosing }.map(\.expiresAt).min()
    }
}
