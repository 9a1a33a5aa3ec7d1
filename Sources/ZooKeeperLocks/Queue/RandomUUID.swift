/// A UUID that was never used before, as text: version 4 of RFC 9562, in lower case.
///
/// One is needed for each acquire. The standard library's generator takes one system call for it, where Foundation's `UUID` opens, reads and
/// closes a file.
enum RandomUUID {
    private static let digits = Array("0123456789abcdef".utf8)

    static func next() -> String {
        var generator = SystemRandomNumberGenerator()
        return text(generator.next(), generator.next())
    }

    /// - Parameters: the first 64 bits and the last; what version and variant say is put in their place.
    static func text(_ first: UInt64, _ last: UInt64) -> String {
        let (first, last) = (first & ~0xf000 | 0x4000, last & ~(0b11 << 62) | 0b10 << 62)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var length = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    buffer[length] = UInt8(ascii: "-")
                    length += 1
                }
                let half = nibble < 16 ? first : last
                buffer[length] = digits[Int(half >> UInt64(60 - 4 * (nibble % 16)) & 0xf)]
                length += 1
            }
            return length
        }
    }
}
