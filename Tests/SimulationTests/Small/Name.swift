@testable import ZooKeeperLocks

/// The name of a contender's znode in the small world: numbers, and the text that the machine sees.
struct Name: Hashable {
    var contender: UInt8
    /// The how-manyth entry of that contender.
    var entry: UInt8
    var sequence: UInt8

    /// `_c_<contender><entry>-lock-<sequence>`
    init(_ string: String) {
        var string = string
        self = string.withUTF8 { bytes in
            func digit(_ index: Int) -> UInt8 { bytes[index] &- UInt8(ascii: "0") }
            let end = bytes.count
            return Name(
                contender: digit(3), entry: digit(4),
                sequence: digit(end - 3) &* 100 &+ digit(end - 2) &* 10 &+ digit(end - 1))
        }
    }

    init(contender: UInt8, entry: UInt8, sequence: UInt8) {
        (self.contender, self.entry, self.sequence) = (contender, entry, sequence)
    }

    static func uuid(_ contender: Int, _ entry: UInt8) -> String { "\(contender)\(entry)" }

    private static let strings: [String] = (0..<4 * 10 * 64).map { index in
        let digits = String(index % 64)
        return "_c_\(index / 640)\(index / 64 % 10)-lock-" + String(repeating: "0", count: 10 - digits.count) + digits
    }

    /// Ready made: the search asks for it millions of times.
    var string: String { Self.strings[Int(contender) * 640 + Int(entry) * 64 + Int(sequence)] }
}
