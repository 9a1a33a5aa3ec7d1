import Locking
import Logging

@testable import ZooKeeper

/// Takes requests, and leaves the answers to the test.
final class RecordingTransport: Transport {
    let requests = Locked<[(request: Request, id: RequestID)]>([])
    let refusal = Locked<Refusal?>(nil)

    func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {}
    var hasNoConnection: Bool { false }
    func close() {}

    func submit(_ request: Request, _ id: RequestID) -> Refusal? {
        if let refusal = refusal.withLock({ $0 }) { return refusal }
        requests.withLock { $0.append((request, id)) }
        return nil
    }

    var ids: [RequestID] { requests.withLock { $0.map(\.id) } }
    /// Whether each is a listing.
    var areListings: [Bool] {
        requests.withLock { $0.map { if case .children = $0.request { true } else { false } } }
    }
    /// The watches that the requests for a znode's data carry.
    var watches: [(path: NodePath, watch: WatchID, id: RequestID)] {
        requests.withLock { requests in
            requests.compactMap { request, id in
                if case .get(let path, let watch?) = request { (path, watch, id) } else { nil }
            }
        }
    }
}

extension Session {
    /// So long that a session asks nothing for its own upkeep while a test runs.
    static let testTimeout = Duration.seconds(1800)

    static func connected(over transport: any Transport, isConnected: Bool = true) throws -> Session {
        let session = try Session(over: .other(transport), timeout: testTimeout, logger: Logger(label: "test")) {
            _, _ in
        }
        if isConnected { session.linkChanged(.connected(sessionID: 1, timeout: testTimeout, server: nil)) }
        return session
    }
}
