import Locking
import Logging
import ZooKeeper

/// Gives one item back, however often the connection is lost meanwhile, until it is done or the session is over.
struct ClaimRemoval: Sendable {
    var client: ZooKeeperClient
    var session: Session
    var paths: ClaimPaths
    /// That of the record.
    var version: Int32
    /// Without leaving the record: nothing was begun, or everything was finished.
    var cleanly: Bool
    /// The answer to the claim was lost, and the claim may still come to the servers.
    var looksTwice = false

    /// How many are under way at the same time.
    private static let width = 256

    /// Gives all of them back.
    ///
    /// - Parameter done: called once.
    static func start(_ removals: [ClaimRemoval], _ done: @escaping @Sendable () -> Void = {}) {
        let first = removals.prefix(width)
        guard !first.isEmpty else { return done() }
        let rest = Array(removals.dropFirst(width))
        let count = Countdown(first.count)
        for removal in first {
            removal.start { if count.step() { start(rest, done) } }
        }
    }

    /// - Parameter done: called once.
    func start(_ done: @escaping @Sendable () -> Void = {}) {
        submit(paths.end(version, cleanly: cleanly), done)
    }

    private func submit(_ operations: [Transaction.Operation], _ done: @escaping @Sendable () -> Void) {
        let deadline = ContinuousClock.now + client.configuration.requestTimeout
        session.submit(.commit(operations), deadline: deadline) { result in
            guard case .failure(let failure) = result else { return done() }
            answered(failure, operations, done)
        }
    }

    private func answered(
        _ failure: RequestFailure, _ operations: [Transaction.Operation], _ done: @escaping @Sendable () -> Void
    ) {
        switch (failure.code, failure.failedOperation) {
        case (.noNode, 0):
            guard looksTwice else { return done() }
            var second = self
            second.looksTwice = false
            TimerThread.shared.schedule(at: .now + session.timeout / 3) { [second] in second.start() }
            done()
        // Somebody has deleted the claim by hand, and perhaps somebody else has claimed the item since: that one's is not touched.
        case (.noNode, 2): submit(Array(operations[..<2]), done)
        case (.noNode, _), (.badVersion, _), (.notEmpty, _): submit(Array(operations[..<1]), done)
        case (.connectionLost, _), (.requestTimedOut, _): submit(operations, done)
        case (.throttled, _), (.sessionMoved, _), (.notReadOnly, _):
            TimerThread.shared.schedule(at: .now + .milliseconds(100)) { submit(operations, done) }
        default:
            if !failure.isTransient {
                client.configuration.logger.error(
                    "a claim could not be given back; it stays until the session ends",
                    metadata: ["node": "\(paths.claim)", "reason": "\(failure.code)"])
            }
            done()
        }
    }
}

/// Counts what is still to be done.
private final class Countdown: Sendable {
    private let rest: Locked<Int>

    init(_ count: Int) { rest = Locked(count) }

    /// Says whether that was the last.
    func step() -> Bool {
        rest.withLock { rest in
            rest -= 1
            return rest == 0
        }
    }
}
