/// What went wrong with one operation, on which path, and what is known of its outcome.
///
/// ```swift
/// do {
///     try await client.delete(path)
/// } catch ZooKeeperError.Code.noNode {
///     // already gone
/// }
/// ```
public struct ZooKeeperError: Error, Hashable, Sendable {
    public var code: Code
    /// The operation that was tried, for example `create`.
    public var operation: String
    /// The path that it was tried on, as the client names it (below the chroot).
    public var path: NodePath?
    /// What to know or do next; empty where the code says it all.
    public var detail: String
    /// The request may have been executed although no answer arrived: it was handed to a connection that broke, or its
    /// deadline passed first. Read back before repeating anything that is not idempotent.
    public var outcomeIsUnknown: Bool
    /// For a transaction: the index of the operation that failed it.
    public var failedOperation: Int?

    public init(
        _ code: Code,
        operation: String,
        path: NodePath? = nil,
        detail: String = "",
        outcomeIsUnknown: Bool = false,
        failedOperation: Int? = nil
    ) {
        self.code = code
        self.operation = operation
        self.path = path
        self.detail = detail
        self.outcomeIsUnknown = outcomeIsUnknown
        self.failedOperation = failedOperation
    }

    /// The same request may succeed later on this client without anything else being changed.
    ///
    /// Check ``outcomeIsUnknown`` first: a repeated `create` of a sequential node makes a second node.
    public var isRetriable: Bool { code.isRetriable }
}

extension ZooKeeperError: CustomStringConvertible {
    public var description: String {
        var text = operation
        if let path { text += " \(path)" }
        text += ": \(code)"
        if let failedOperation { text += " (operation \(failedOperation) of the transaction)" }
        if !detail.isEmpty { text += ": \(detail)" }
        if outcomeIsUnknown { text += "; whether the server executed it is unknown" }
        return text
    }
}
