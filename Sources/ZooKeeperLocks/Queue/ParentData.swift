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
        self = .ours(
            lastHead: Self.value(of: Self.head, in: data).flatMap { ContenderName($0) },
            permits: Self.value(of: Self.permits, in: data).flatMap { Int($0) })
    }

    private static let head = Array("head ".utf8)
    private static let permits = Array("permits ".utf8)

    /// What stands behind `key` in the first line that begins with it. Byte by byte: whoever waits in a queue reads it once or twice.
    static func value(of key: [UInt8], in data: [UInt8]) -> String? {
        var start = empty.count
        while start < data.count {
            let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) ?? data.count
            let line = data[start..<end]
            if line.starts(with: key) { return String(decoding: line.dropFirst(key.count), as: UTF8.self) }
            start = end + 1
        }
        return nil
    }
}
