import ZooKeeper
import ZooKeeperLocks

@testable import ZooKeeperFaultKit

/// Tells a history in milliseconds.
struct HistoryStory {
    typealias Contender = LockHistory.Contender

    let start = ContinuousClock.now
    private(set) var history = LockHistory()

    func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    func node(_ contender: Contender) throws -> NodePath { try NodePath("/lock/\(contender)") }

    mutating func tell(_ milliseconds: Int, _ kind: LockHistory.Kind) {
        history.add(kind, at: at(milliseconds))
    }

    /// The znode is there from its entry on.
    mutating func enters(_ contender: Contender, _ czxid: Int64, at milliseconds: Int) throws {
        tell(milliseconds, .asked(contender))
        tell(milliseconds, .entered(contender, node: try node(contender), czxid: czxid))
        tell(milliseconds + 1, .nodeCreated(try node(contender)))
    }

    mutating func granted(_ contender: Contender, _ token: Int64, at milliseconds: Int, until end: Int? = nil) {
        tell(
            milliseconds,
            .granted(contender, token: FencingToken(rawValue: token), validUntil: end.map { at($0) }))
    }

    mutating func deleted(_ contender: Contender, at milliseconds: Int) throws {
        tell(milliseconds, .nodeDeleted(try node(contender)))
    }

    /// The body ends, the lock is released, and its node is gone a moment later.
    mutating func releases(_ contender: Contender, at milliseconds: Int) throws {
        tell(milliseconds, .bodyEnded(contender))
        tell(milliseconds, .released(contender))
        try deleted(contender, at: milliseconds + 2)
    }

    mutating func write(_ token: Int64, accepted: Bool, at milliseconds: Int) {
        tell(milliseconds, .write(token: FencingToken(rawValue: token), accepted: accepted))
    }
}
