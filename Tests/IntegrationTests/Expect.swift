import Testing
import ZooKeeper

/// Expects `body` to throw a ``ZooKeeperError`` with that code.
func expect<R>(
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
