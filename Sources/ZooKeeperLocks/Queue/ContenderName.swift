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

    private static let markers: [(text: String, claim: Claim)] = [
        ("lock-", .exclusive), ("__lock__", .exclusive), ("__READ__", .read), ("__WRIT__", .write),
        ("__rlock__", .read),
    ]

    /// `nil` when the name is not one of a contender.
    init?(_ string: String) {
        // The server writes "%010d" of a signed 32-bit counter: ten digits, or a minus and nine or ten digits.
        let digits = string.utf8.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        var length = digits
        if digits == 9 || digits == 10 {
            let before = string.utf8.dropLast(digits)
            // "lock--000000001" ends with the marker's own hyphen and a minus; "lock-0000000001" with the marker only.
            if before.last == UInt8(ascii: "-"), Self.claim(before.dropLast()) != nil { length = digits + 1 }
        }
        guard length == 10 || length == 11, length > digits || digits == 10 else { return nil }
        guard let claim = Self.claim(string.utf8.dropLast(length)) else { return nil }
        guard let number = Int32(string.suffix(length)) else { return nil }
        self.string = string
        self.claim = claim
        sequence = SequenceNumber(rawValue: number)
    }

    /// What the marker at the end of `text` says.
    private static func claim(_ text: Substring.UTF8View) -> Claim? {
        guard let last = text.last, last == UInt8(ascii: "-") || last == UInt8(ascii: "_") else { return nil }
        for marker in markers where text.suffix(marker.text.utf8.count).elementsEqual(marker.text.utf8) {
            return marker.claim
        }
        let digits = text.dropLast().reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        let before = text.dropLast(digits + 1)
        guard (1...Self.maximumCountLength).contains(digits), before.suffix(8).elementsEqual("permits-".utf8),
            let count = Int(String(decoding: text.dropLast().suffix(digits), as: UTF8.self)), count > 0
        else { return nil }
        return .permits(count)
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
    func belongs(to uuid: String) -> Bool {
        let text = string.utf8.starts(with: "_c_".utf8) ? string.utf8.dropFirst(3) : string.utf8[...]
        guard text.starts(with: uuid.utf8), let next = text.dropFirst(uuid.utf8.count).first else { return false }
        return next == UInt8(ascii: "-") || next == UInt8(ascii: "_")
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

    /// Serial-number arithmetic (RFC 1982): right across the wrap as long as the two are less than 2^31 apart.
    func precedes(_ other: SequenceNumber) -> Bool {
        rawValue &- other.rawValue < 0
    }
}
