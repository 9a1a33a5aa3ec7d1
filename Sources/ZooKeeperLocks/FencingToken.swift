/// Says whose turn it is: of two grants of one lock, the later one has the larger token.
///
/// A lock cannot stop a holder that sleeps through the end of its lease. So hand the token to whatever the lock protects, and let
/// that refuse a token smaller than the largest it has seen. (Martin Kleppmann, "How to do distributed locking", 2016.)
///
/// The token is the `czxid` of the holder's znode: the number of the transaction that created it. It rises across a deletion of the
/// lock's path, a change of the leader and a wrap of the sequence number. It goes back only if the ensemble itself is wiped, or
/// restored from an older copy.
public struct FencingToken: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (lhs: FencingToken, rhs: FencingToken) -> Bool {
        lhs.rawValue < rhs.rawValue
    }
}

extension FencingToken: CustomStringConvertible {
    public var description: String { String(rawValue) }
}
