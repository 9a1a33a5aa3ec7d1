/// Says whose turn it is: of two grants of one lock, the later one has the larger token.
///
/// A lock cannot stop a holder that sleeps through the end of its lease. So hand the token to whatever the lock protects, and let
/// that refuse a token smaller than the largest it has seen. (Martin Kleppmann, "How to do distributed locking", 2016.)
///
/// The token is the `czxid` of the holder's znode: the number of the transaction that created it. It rises across a deletion of the
/// lock's path, a change of the leader and a wrap of the sequence number. It goes back only if the ensemble itself is wiped, or
/// restored from an older copy.
///
/// Where the tasks of a process take turns (``DistributedLock/Fairness/perProcess(maxConsecutive:linger:)``) many grants share a znode, and
/// the token is a pair: `czxid`, and the ``turn``. Pairs are compared first by the one, then by the other, so that an old turn of the same
/// process is refused as one of another process is.
///
/// In a database the token is two columns: ``rawValue`` (64 bits, signed) and ``turn`` (32 bits, unsigned, 0 for none), compared in this
/// order: `WHERE (czxid, turn) <= (?, ?)`. Where everybody takes turns, ``description`` will do as a single column of text: it has always the
/// same length, and sorts as the tokens do. That of tokens without a turn does not.
public struct FencingToken: Sendable {
    /// The `czxid` of the holder's znode: all there is to a token of a lock that is ``DistributedLock/Fairness/strict``.
    public let rawValue: Int64
    /// Which turn of its process with that znode, from 1 on; `nil` where tasks do not take turns.
    public let turn: UInt32?

    public init(rawValue: Int64) {
        self.rawValue = rawValue
        turn = nil
    }

    public init(rawValue: Int64, turn: UInt32?) {
        self.rawValue = rawValue
        self.turn = turn
    }
}

extension FencingToken: Hashable, Comparable {
    public static func < (lhs: FencingToken, rhs: FencingToken) -> Bool {
        lhs.rawValue == rhs.rawValue ? lhs.order < rhs.order : lhs.rawValue < rhs.rawValue
    }

    /// None comes before all.
    private var order: Int64 { turn.map { Int64($0) } ?? -1 }
}

extension FencingToken: LosslessStringConvertible {
    /// `4294967312`, or with a turn `0000000100000010.00000007`: 16 and 8 hexadecimal digits.
    public var description: String {
        guard let turn else { return String(rawValue) }
        return Self.digits(UInt64(bitPattern: rawValue), count: 16) + "." + Self.digits(UInt64(turn), count: 8)
    }

    private static func digits(_ number: UInt64, count: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    /// Reads a ``description``; `nil` when it is none: with other characters in it, blanks and signs among them, or with too few digits or too
    /// many.
    public init?(_ description: String) {
        let text = Array(description.utf8)
        guard let dot = text.firstIndex(of: UInt8(ascii: ".")) else {
            guard let number = Int64(description), String(number) == description else { return nil }
            self.init(rawValue: number)
            return
        }
        guard let czxid = Self.number(text[..<dot], count: 16), let turn = Self.number(text[(dot + 1)...], count: 8)
        else { return nil }
        self.init(rawValue: Int64(bitPattern: czxid), turn: UInt32(turn))
    }

    private static func number(_ digits: ArraySlice<UInt8>, count: Int) -> UInt64? {
        guard digits.count == count else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}

/// A number, or with a turn its ``description``.
extension FencingToken: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            self.init(rawValue: number)
            return
        }
        let text = try container.decode(String.self)
        guard let token = FencingToken(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no fencing token: '\(text)'")
        }
        self = token
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if turn == nil { try container.encode(rawValue) } else { try container.encode(description) }
    }
}
