/// The data of a lock's path: none of this library's business, or made by it and used to leave word of who was the head.
///
/// `zookeeper-locks` in the first line marks what this library has made; nothing else is ever written over.
enum ParentData: Hashable, Sendable {
    case foreign
    /// `lastHead`: the last contender that held, having waited, and released. Everybody ahead of it is gone, and so is itself.
    /// `permits`: it is a semaphore's, of so many.
    case ours(lastHead: ContenderName?, permits: Int? = nil)

    private static let mark = "zookeeper-locks 1"

    /// What the path is made with.
    static let empty = Array((mark + "\n").utf8)

    static func recording(_ head: String) -> [UInt8] { Array("\(mark)\nhead \(head)\n".utf8) }

    static func semaphore(_ permits: Int) -> [UInt8] { Array("\(mark)\npermits \(permits)\n".utf8) }

    /// The permits of the semaphore whose parent it is.
    var permits: Int? { if case .ours(_, let permits) = self { permits } else { nil } }

    init(_ data: [UInt8]) {
        guard data.starts(with: Self.empty) else {
            self = .foreign
            return
        }
        // What it says of its stripes must not be written over.
        guard StripeLayout(data) == nil else {
            self = .foreign
            return
        }
        var head: ContenderName?
        var permits: Int?
        // The first line of each kind counts.
        for line in data[Self.empty.count...].split(separator: UInt8(ascii: "\n")) {
            if head == nil, let name = Self.value(of: "head ".utf8, in: line) { head = ContenderName(name) }
            if permits == nil, let count = Self.value(of: "permits ".utf8, in: line) { permits = Int(count) }
        }
        self = .ours(lastHead: head, permits: permits)
    }

    private static func value(of key: String.UTF8View, in line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: key) else { return nil }
        return String(decoding: line.dropFirst(key.count), as: UTF8.self)
    }
}
