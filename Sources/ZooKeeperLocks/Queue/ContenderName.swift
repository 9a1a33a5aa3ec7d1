import ZooKeeper

/// The name of a contender's znode: whatever identifies it, a marker, and the number that the server gave it.
///
/// This library writes `_c_<uuid>-lock-<number>`, as Apache Curator does, so that programs in other languages queue on the same
/// path: Curator and go-zookeeper respect it as it is, kazoo with `extra_lock_patterns=["lock-"]`. The names of those three are
/// understood; a child with any other name is no contender and is passed over. A semaphore's contender is
/// `_c_<uuid>-permits-<count>-<number>`.
struct ContenderName: Hashable, Sendable {
    let string: String
    let sequence: SequenceNumber
    let claim: Claim

    private static let markers: [(text: [UInt8], claim: Claim)] = [
        (Array("lock-".utf8), .exclusive), (Array("__lock__".utf8), .exclusive), (Array("__READ__".utf8), .read),
        (Array("__WRIT__".utf8), .write), (Array("__rlock__".utf8), .read),
    ]
    /// What Curator's names begin with, and go-zookeeper's.
    private static let protection = Array("_c_".utf8)
    private static let permits = Array("permits-".utf8)

    /// `nil` when the name is not one of a contender.
    init?(_ string: String) {
        guard let (claim, number) = string.withBytes(Self.parse) else { return nil }
        self.string = string
        self.claim = claim
        sequence = SequenceNumber(rawValue: number)
    }

    /// Byte by byte: of a long queue thousands of names are read at a time.
    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> (claim: Claim, number: Int32)? {
        let digits = Self.digits(before: text.count, of: text)
        let end = text.count - digits
        // The server writes "%010d" of a signed 32-bit counter: ten digits, or a minus and nine or ten digits.
        // "lock--000000001" ends with the marker's own hyphen and a minus; "lock-0000000001" with the marker only.
        let hasMinus = (digits == 9 || digits == 10) && end > 0 && text[end - 1] == UInt8(ascii: "-")
        let negative = hasMinus ? Self.claim(before: end - 1, of: text) : nil
        guard let claim = negative ?? (digits == 10 ? Self.claim(before: end, of: text) : nil) else { return nil }
        let magnitude = number(in: text[end...])
        guard let number = Int32(exactly: negative != nil ? -magnitude : magnitude) else { return nil }
        return (claim, number)
    }

    /// What the marker says that ends at `end`.
    private static func claim(before end: Int, of text: UnsafeBufferPointer<UInt8>) -> Claim? {
        guard end > 0, text[end - 1] == UInt8(ascii: "-") || text[end - 1] == UInt8(ascii: "_") else { return nil }
        for marker in markers where ends(at: end, with: marker.text, text) { return marker.claim }
        let digits = Self.digits(before: end - 1, of: text)
        guard (1...maximumCountLength).contains(digits), ends(at: end - 1 - digits, with: permits, text) else {
            return nil
        }
        let count = number(in: text[(end - 1 - digits)..<(end - 1)])
        return count > 0 ? .permits(count) : nil
    }

    private static func ends(at end: Int, with suffix: [UInt8], _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard end >= suffix.count else { return false }
        for index in suffix.indices where text[end - suffix.count + index] != suffix[index] { return false }
        return true
    }

    private static func digits(before end: Int, of text: UnsafeBufferPointer<UInt8>) -> Int {
        var start = end
        while start > 0, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[start - 1]) { start -= 1 }
        return end - start
    }

    /// Of at most ten digits.
    private static func number(in digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Digits in a count of permits: fewer than a sequence number has.
    private static var maximumCountLength: Int { 8 }
    static let maximumPermits = 99_999_999

    /// What the create request names; the server appends the number.
    static func prefix(uuid: String, claim: Claim = .exclusive, naming: ContenderNaming = .curator) -> String {
        switch claim {
        case .permits(let count): "_c_\(uuid)-permits-\(count)-"
        case .exclusive where naming != .kazoo: "_c_\(uuid)-lock-"
        case .read where naming != .kazoo: "_c_\(uuid)-__READ__"
        case .write where naming != .kazoo: "_c_\(uuid)-__WRIT__"
        case .read: "\(uuid)__rlock__"
        case .exclusive, .write: "\(uuid)__lock__"
        }
    }

    /// Whether this is a node of the attempt to enter that goes by `uuid`.
    func belongs(to uuid: String) -> Bool { Self.isName(string, of: uuid) }

    /// The same of a name that is known to be a contender's.
    static func isName(_ name: String, of uuid: String) -> Bool { place(of: uuid, in: name) != nil }

    /// The part of a node's name that is its attempt's UUID; `nil` when the node is another attempt's.
    static func uuid(_ uuid: String, in name: String) -> Substring? {
        place(of: uuid, in: name).flatMap { Substring(name.utf8.dropFirst($0.lowerBound).prefix($0.count)) }
    }

    /// Where in a name the UUID stands, in bytes.
    private static func place(of uuid: String, in name: String) -> Range<Int>? {
        name.withBytes { text in
            uuid.withBytes { uuid in
                let start = text.starts(with: protection) ? protection.count : 0
                let end = start + uuid.count
                guard end < text.count, text[end] == UInt8(ascii: "-") || text[end] == UInt8(ascii: "_") else {
                    return nil
                }
                return text[start..<end].elementsEqual(uuid) ? start..<end : nil
            }
        }
    }

    /// Whether this contender is ahead of `other`: by number, and where a number comes twice, by name.
    func precedes(_ other: ContenderName) -> Bool {
        sequence == other.sequence ? string < other.string : sequence.precedes(other.sequence)
    }

    /// The reader in this writer's place, as Curator names it: with the writer's own number. `nil` for a name that Curator would not give
    /// a writer.
    var downgraded: String? {
        guard claim == .write, let marker = string.range(ofLast: "__WRIT__") else { return nil }
        return string.replacingCharacters(in: marker, with: "__READ__")
    }
}

extension String {
    fileprivate func range(ofLast text: String) -> Range<Index>? {
        var end = endIndex
        while let start = index(end, offsetBy: -text.count, limitedBy: startIndex) {
            if self[start..<end] == text { return start..<end }
            end = index(before: end)
        }
        return nil
    }

    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}

/// The number that the server gives a sequential znode: a signed 32-bit counter of its parent that wraps around.
struct SequenceNumber: Hashable, Sendable {
    let rawValue: Int32

    static let last = SequenceNumber(rawValue: .max)

    init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Of a name that the server has given to a contender.
    init?(ofName name: String) {
        guard let number = ContenderName(name)?.sequence else { return nil }
        self = number
    }

    /// Serial-number arithmetic (RFC 1982): right across the wrap as long as the two are less than 2^31 apart.
    func precedes(_ other: SequenceNumber) -> Bool {
        rawValue &- other.rawValue < 0
    }
}
