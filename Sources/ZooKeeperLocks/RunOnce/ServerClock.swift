import Locking
import ZooKeeper

/// The servers' clock, as far as a client can know it: that of the leader, which dates every write. One write tells it for a minute; between
/// writes this machine's clock is believed to run at the same speed.
final class ServerClock: Sendable {
    private let reading = Locked<(time: Int64, at: ContinuousClock.Instant)?>(nil)
    private static let lifetime = Duration.seconds(60)

    /// Milliseconds since 1970; rather ahead than behind, by no more than the write took. The write may be executed more than once, so it lives
    /// through lost connections and whatever else passes, until the request timeout.
    ///
    /// - Parameters:
    ///   - node: its data is replaced by none.
    ///   - deadline: of the caller, if that is ahead of the request timeout's.
    /// - Returns: `nil` when there is no such node.
    func now(
        of client: ZooKeeperClient, byWriting node: NodePath, by deadline: ContinuousClock.Instant? = nil
    ) async throws(ZooKeeperError) -> Int64? {
        let start = ContinuousClock.now
        if let (time, instant) = reading.withLock({ $0 }), start - instant < Self.lifetime {
            return time + (start - instant).milliseconds
        }
        let timeout = start + client.configuration.requestTimeout
        let deadline = deadline.map { min($0, timeout) } ?? timeout
        while true {
            do throws(ZooKeeperError) {
                let (stat, begin) = try await client.setAgain(node, data: [], by: deadline)
                reading.withLock { $0 = (stat.mtime, begin) }
                return stat.mtime + (ContinuousClock.now - begin).milliseconds
            } catch {
                switch error.code {
                case .noNode: return nil
                case .throttled, .sessionMoved, .notReadOnly:
                    guard ContinuousClock.now < deadline else { throw error }
                    // Nothing tells when that is over. Whoever is cancelled meanwhile is told by the next attempt.
                    try? await Task.sleep(for: .milliseconds(100))
                default: throw error
                }
            }
        }
    }
}
