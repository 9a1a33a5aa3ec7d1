/// How keys are spread over stripes: stored in the data of the stripes' path, so that all who use them agree.
public struct StripeLayout: Hashable, Sendable {
    /// How many there are.
    public var count: Int
    /// The hash that finds a key's stripe, by name: `fnv-1a-64`; see ``StripedLock``.
    public var hash: String

    public init(count: Int, hash: String = StripeHash.name) {
        self.count = count
        self.hash = hash
    }

    private static let word = "stripes "
    private static let key = Array(word.utf8)

    /// What the path is made with.
    var data: [UInt8] { ParentData.empty + Array("\(Self.word)\(count) \(hash)\n".utf8) }

    /// `nil` when the data says nothing of stripes.
    init?(_ data: [UInt8]) {
        guard data.starts(with: ParentData.empty), let value = ParentData.value(of: Self.key, in: data) else {
            return nil
        }
        let parts = value.split(separator: " ")
        guard parts.count == 2, let count = Int(parts[0]), count > 0 else { return nil }
        self.init(count: count, hash: String(parts[1]))
    }
}

extension StripeLayout: CustomStringConvertible {
    public var description: String { "\(count) stripes by \(hash)" }
}
