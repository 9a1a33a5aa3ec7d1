/// From one look at the servers to the next: waits until what the last one has seen may have changed, and looks again.
///
/// Built on one-shot watches: a look reads, and watches what it has read in the same breath, so no change goes unseen. It goes on through lost
/// connections and into new sessions, where it looks again at once: a session that ended took its watches along.
package struct ChangeCursor: Sendable {
    private var watch: Watch?

    package init() {}

    /// - Parameters:
    ///   - state: what `look` needs, and remembers.
    ///   - look: reads, and returns what it has found with a watch for the next change of that; `nil` for no news.
    /// - Returns: the next news; `nil` when the calling task is cancelled.
    /// - Throws: what `look` throws and cannot be retried.
    package mutating func next<State, News>(
        _ state: inout State,
        isolation actor: isolated (any Actor)? = #isolation,
        _ look: (inout State) async throws(ZooKeeperError) -> (news: News?, watch: Watch)
    ) async throws(ZooKeeperError) -> News? {
        while true {
            do throws(ZooKeeperError) {
                if let watch { _ = try await watch.event() }
                watch = nil
                let seen = try await look(&state)
                watch = seen.watch
                if let news = seen.news { return news }
            } catch {
                watch = nil
                if error.code == .cancelled { return nil }
                guard error.isRetriable else { throw error }
                await error.pauseIfThrottled()
            }
        }
    }
}
