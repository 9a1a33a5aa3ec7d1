import ZooKeeper

/// A reply that a proxy was told to drop; see ``FaultProxy/dropReply(_:to:)``.
public struct ReplyDrop: Sendable {
    let outcome = Promise<FaultProxy.DroppedReply?>()

    /// Waits until the reply is dropped.
    ///
    /// - Returns: `nil` when it will not be: another drop took its place, ``FaultProxy/pass()`` was called, the proxy was closed, or
    ///   the calling task was cancelled.
    public func dropped() async -> FaultProxy.DroppedReply? {
        await outcome.valueUnlessCancelled() ?? nil
    }

    /// The dropped reply; `nil` while there is none.
    public var current: FaultProxy.DroppedReply? { outcome.current ?? nil }
}

/// Counts the replies until the one that is to be dropped.
struct ReplyCountdown {
    let drop: ReplyDrop
    let number: Int
    let opcode: Opcode?
    private var seen = 0

    init(_ drop: ReplyDrop, number: Int, opcode: Opcode?) {
        self.drop = drop
        self.number = max(1, number)
        self.opcode = opcode
    }

    /// Whether this reply is the one. Must not be called again after it was.
    mutating func isOver(with reply: Opcode) -> Bool {
        guard opcode == nil || opcode == reply else { return false }
        seen += 1
        return seen == number
    }
}
