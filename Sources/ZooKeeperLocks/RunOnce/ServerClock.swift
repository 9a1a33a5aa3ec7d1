import Locking
import ZooKeeper

/// The servers' clock, as far as a client can know it: that of the leader, which dates every write. One write tells it for a minute; between
/// writes this machine's clock is believed to run at the same speed.
final class ServerClock: Sendable {
    private let reading = Locked<(time: Int64, at: ContinuousClock.Instant)?>(nil)
    private static let lifetime = Duration.seconds(60)

    /// Milliseconds since 1970; rather ahead than behind, by no more than the write took.
    ///
    /// - Parameter node: its data is replaced by none.
    /// - Returns: `nil` when there is no such node.
    func now(of client: ZooKeeperClient, byWriting node: NodePath) async throws(ZooKeeperError) -> Int64? {
        let start = ContinuousClock.now
        if let (time, instant) = reading.withLock({ $0 }), start - instant < Self.lifetime {
            return time + (start - instant).milliseconds
        }
        do throws(ZooKeeperError) {
            let time = try await client.set(node, data: []).mtime
            reading.withLock { $0 = (time, start) }
            return time + (ContinuousClock.now - start).milliseconds
        } catch {
            guard error.code == .noNode else { throw error }
            return nil
        }
    }
}
