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

    /// Who waits while a listing is under way, besides those it was asked for.
    struct Listing {
        /// For the answer to that one.
        var joined: [ListHandler] = []
        /// For the next.
        var next: [ListHandler] = []

        fileprivate mutating func add(_ handler: @escaping ListHandler, _ isJoining: Bool) {
            if isJoining { joined.append(handler) } else { next.append(handler) }
        }
    }

    /// Lists the children of a znode as they are after this was called, and after everything that was submitted before.
    ///
    /// While a listing is under way, those who ask get the next one, all of them together.
    ///
    /// - Parameters:
    ///   - patience: how long a listing may take.
    ///   - isJoining: a listing that is under way will do. It may be as old as the last answer, but it was asked for ahead of what is submitted
    ///     from now on.
    package func list(
        _ path: NodePath, within patience: Duration, joining isJoining: Bool = false, handler: @escaping ListHandler
    ) {
        let isUnderway = core.withLock { core in
            core.listings.change(path) { listing in
                guard listing?.add(handler, isJoining) == nil else { return true }
                listing = Listing()
                return false
            }
        }
        if !isUnderway { list(path, within: patience, for: handler, and: []) }
    }

    /// - Parameter others: apart, as there are mostly none.
    private func list(
        _ path: NodePath, within patience: Duration, for first: @escaping ListHandler, and others: [ListHandler]
    ) {
        submit(.children(path, watch: nil), deadline: .now + patience) { [self] result in
            let listing = core.withLock { core in
                core.listings.change(path) { known in
                    let listing = known ?? Listing()
                    known = listing.next.isEmpty ? nil : Listing()
                    return listing
                }
            }
            // Ahead of the answers, which may take their time.
            if let first = listing.next.first {
                list(path, within: patience, for: first, and: Array(listing.next.dropFirst()))
            }
            let list = result.flatMap { reply -> Result<ChildList, RequestFailure> in
                guard case .children(let names, _) = reply else { return .failure(.unexpectedReply) }
                return .success(ChildList(names))
            }
            first(list)
            for handler in others { handler(list) }
            for handler in listing.joined { handler(list) }
        }
    }
}

extension RequestFailure {
    package static let unexpectedReply = RequestFailure(.internalInconsistency, detail: "an answer of another kind")
}

extension [NodePath: Session.Listing] {
    /// What one look at the dictionary does for.
    fileprivate mutating func change<Result>(_ path: NodePath, _ body: (inout Session.Listing?) -> Result) -> Result {
        body(&self[path])
    }
}
