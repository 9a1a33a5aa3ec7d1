@testable import ZooKeeperLocks

/// The name of a contender's znode in the small world: numbers, and the text that the machine sees.
struct Name: Hashable {
    var contender: UInt8
    /// The how-manyth entry of that contender.
    var entry: UInt8
    var sequence: UInt8
    /// What it asks for: 0 the whole, 1 to read, 2 to write, 2 + k for k permits.
    var claim: UInt8 = 0

    /// All children together.
    static let everybody = Name(contender: .max, entry: 0, sequence: 0)
    /// The lock's path.
    static let parent = Name(contender: .max, entry: 1, sequence: 0)

    /// `_c_<contender><entry>-lock-<sequence>`, or with another marker.
    init(_ string: String) {
        var string = string
        self = string.withUTF8 { bytes in
            func digit(_ index: Int) -> UInt8 { bytes[index] &- UInt8(ascii: "0") }
            let end = bytes.count
            guard end > 0 else { return .everybody }
            return Name(
                contender: digit(3), entry: digit(4),
                sequence: digit(end - 3) &* 100 &+ digit(end - 2) &* 10 &+ digit(end - 1), claim: Self.claim(bytes))
        }
    }

    /// Of a name, or of what comes before the number.
    private static func claim(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt8 {
        switch (bytes[6], bytes[8]) {
        case (UInt8(ascii: "l"), _): 0
        case (UInt8(ascii: "_"), UInt8(ascii: "R")): 1
        case (UInt8(ascii: "_"), _): 2
        default: 2 + bytes[14] - UInt8(ascii: "0")
        }
    }

    static func claim(ofPrefix prefix: String) -> UInt8 {
        var prefix = prefix
        return prefix.withUTF8(claim)
    }

    init(contender: UInt8, entry: UInt8, sequence: UInt8, claim: UInt8 = 0) {
        (self.contender, self.entry, self.sequence, self.claim) = (contender, entry, sequence, claim)
    }

    static func uuid(_ contender: Int, _ entry: UInt8) -> String { "\(contender)\(entry)" }

    private static let markers = ["lock-", "__READ__", "__WRIT__", "permits-1-", "permits-2-", "permits-3-"]

    private static let strings: [String] = markers.flatMap { marker in
        (0..<4 * 10 * 64).map { index in
            let digits = String(index % 64)
            return "_c_\(index / 640)\(index / 64 % 10)-\(marker)" + String(repeating: "0", count: 10 - digits.count)
                + digits
        }
    }

    /// Ready made: the search asks for it millions of times.
    var string: String {
        guard contender != .max else { return self == .everybody ? "" : "lock" }
        return Self.strings[Int(claim) * 2560 + Int(contender) * 640 + Int(entry) * 64 + Int(sequence)]
    }
}
