/// The name of a contender's znode: whatever identifies it, a marker, and the number that the server gave it.
///
/// This library writes `_c_<uuid>-lock-<number>`, as Apache Curator does, so that programs in other languages queue on the same
/// path: Curator and go-zookeeper respect it as it is, kazoo with `extra_lock_patterns=["lock-"]`. The names of those three are
/// understood; a child with any other name is no contender and is passed over.
struct ContenderName: Hashable, Sendable {
    let string: String
    let sequence: SequenceNumber

    private static let markers = ["lock-", "__lock__"]

    /// `nil` when the name is not one of a contender.
    init?(_ string: String) {
        // The server writes "%010d" of a signed 32-bit counter: ten digits, or a minus and nine or ten digits.
        let digits = string.utf8.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        var length = digits
        if digits == 9 || digits == 10 {
            let before = string.utf8.dropLast(digits)
            // "lock--000000001" ends with the marker's own hyphen and a minus; "lock-0000000001" with the marker only.
            if before.last == UInt8(ascii: "-"), Self.endsWithMarker(before.dropLast()) { length = digits + 1 }
        }
        guard length == 10 || length == 11, length > digits || digits == 10 else { return nil }
        guard Self.endsWithMarker(string.utf8.dropLast(length)) else { return nil }
        guard let number = Int32(string.suffix(length)) else { return nil }
        self.string = string
        sequence = SequenceNumber(rawValue: number)
    }

    private static func endsWithMarker(_ text: Substring.UTF8View) -> Bool {
        markers.contains { text.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }

    /// What the create request names; the server appends the number.
    static func prefix(uuid: String) -> String { "_c_\(uuid)-lock-" }

    /// Whether this is a node of the attempt to enter that goes by `uuid`.
    func belongs(to uuid: String) -> Bool {
        string.hasPrefix("_c_\(uuid)-")
    }

    /// Whether this contender is ahead of `other`: by number, and where a number comes twice, by name.
    func precedes(_ other: ContenderName) -> Bool {
        sequence == other.sequence ? string < other.string : sequence.precedes(other.sequence)
    }
}

/// The number that the server gives a sequential znode: a signed 32-bit counter of its parent that wraps around.
struct SequenceNumber: Hashable, Sendable {
    let rawValue: Int32

    static let last = SequenceNumber(rawValue: .max)

    /// Serial-number arithmetic (RFC 1982): right across the wrap as long as the two are less than 2^31 apart.
    func precedes(_ other: SequenceNumber) -> Bool {
        rawValue &- other.rawValue < 0
    }
}
