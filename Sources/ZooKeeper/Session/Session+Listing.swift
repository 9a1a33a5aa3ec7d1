import Locking

/// The children of one znode, as one answer has them, for all who share it.
package final class ChildList: Sendable {
    package let names: [String]
    private let reading = Locked<(any Sendable)?>(nil)

    package init(_ names: [String]) {
        self.names = names
    }

    /// What `read` makes of the names: done by the first who asks, for all who ask the same.
    package func read<Value: Sendable>(as read: ([String]) -> Value) -> Value {
        if let known = reading.withLock({ $0 }) as? Value { return known }
        let value = read(names)
        reading.withLock { $0 = value }
        return value
    }
}

/// One listing for all who ask for the same at the same time.
///
/// A list is as long as the queue is. If each of ten thousand who enter at once had one of its own, the answers to them all would be a
/// hundred million names, and would come so late that everybody had to ask again.
extension Session {
    package typealias ListHandler = @Sendable (Result<ChildList, RequestFailure>) -> Void

    /// Lists the children of a znode as they are after this was called, and after everything that was submitted before.
    ///
    /// While a listing is under way, those who ask get the next one, all of them together.
    ///
    /// - Parameter patience: how long a listing may take.
    package func list(_ path: NodePath, within patience: Duration, handler: @escaping ListHandler) {
        let isUnderway = core.withLock { core in
            guard core.listings[path]?.append(handler) == nil else { return true }
            core.listings[path] = []
            return false
        }
        if !isUnderway { list(path, within: patience, for: handler, and: []) }
    }

    /// - Parameter others: apart, as there are mostly none.
    private func list(
        _ path: NodePath, within patience: Duration, for first: @escaping ListHandler, and others: [ListHandler]
    ) {
        submit(.children(path, watch: nil), deadline: .now + patience) { [self] result in
            let next = core.withLock { core in
                let next = core.listings[path] ?? []
                core.listings[path] = next.isEmpty ? nil : []
                return next
            }
            // Ahead of the answers, which may take their time.
            if let first = next.first { list(path, within: patience, for: first, and: Array(next.dropFirst())) }
            let list = result.flatMap { reply -> Result<ChildList, RequestFailure> in
                guard case .children(let names, _) = reply else { return .failure(.unexpectedReply) }
                return .success(ChildList(names))
            }
            first(list)
            for handler in others { handler(list) }
        }
    }
}

extension RequestFailure {
    package static let unexpectedReply = RequestFailure(.internalInconsistency, detail: "an answer of another kind")
}
