/// Something was not over in its time, and was cancelled.
package struct TooLong: Error, CustomStringConvertible {
    let limit: Duration

    package var description: String { "not over after \(limit)" }
}

/// What `body` gives, if it is over in that time; otherwise it is cancelled, and this throws ``TooLong`` when it has ended.
///
/// - Parameter atLimit: called before the cancellation, which `body` may ignore.
package func within<R: Sendable>(
    _ limit: Duration, atLimit: @escaping @Sendable () -> Void = {}, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            atLimit()
            throw TooLong(limit: limit)
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}
