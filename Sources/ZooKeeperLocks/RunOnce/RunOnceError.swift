public import ZooKeeper

/// Why there is no result, beyond what a ``LockError`` says.
public enum RunOnceError: Error, Hashable, Sendable {
    /// The computation that was waited for has failed, by its own account: ``RunOnce/Failure/share``.
    case failed(NodePath, description: String, by: Owner?)
    /// The result has `length` bytes; ZooKeeper keeps small things. Nothing was stored, and those who wait compute in their turn. Store it
    /// elsewhere, and the place of it here.
    case tooLarge(NodePath, length: Int, limit: Int)
}

extension RunOnceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .failed(let path, let description, let owner):
            "run once \(path): the computation failed"
                + (owner.map { " in \($0)" } ?? "") + ": \(description)"
        case .tooLarge(let path, let length, let limit):
            "run once \(path): the result has \(length) bytes, at most \(limit) are kept: store it elsewhere, and its place here"
        }
    }
}
