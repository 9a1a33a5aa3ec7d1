import Testing
import ZooKeeper
import ZooKeeperLocks

/// Expects `body` to throw a ``ZooKeeperError`` with that code.
package func expect<R>(
    _ code: ZooKeeperError.Code,
    isolation: isolated (any Actor)? = #isolation,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> R
) async {
    do {
        _ = try await body()
        Issue.record("no error; expected \(code)", sourceLocation: sourceLocation)
    } catch {
        #expect((error as? ZooKeeperError)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
}

extension LockError {
    /// The error of the client that is behind this one.
    package var session: ZooKeeperError? {
        if case .session(let error) = self { error } else { nil }
    }
}
