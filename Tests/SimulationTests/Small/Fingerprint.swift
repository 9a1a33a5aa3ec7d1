/// 64 bits that stand for a state: each value is mixed in by the finaliser of MurmurHash3 (Austin Appleby).
///
/// Not Swift's `Hasher`, whose seed is another in each process.
struct Fingerprint {
    private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The client that is being described; `nil`: the whole.
    var viewer: Int?
    /// The places of the clients in the whole.
    var ranks: [Int] = []

    /// An empty one with the same view.
    var fresh: Fingerprint {
        var fresh = Fingerprint()
        fresh.viewer = viewer
        fresh.ranks = ranks
        return fresh
    }

    mutating func add(_ number: UInt64) {
        var mixed = value ^ number &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        value = mixed ^ (mixed >> 29)
    }

    mutating func add(_ number: Int) { add(UInt64(truncatingIfNeeded: number)) }
    mutating func add(_ flag: Bool) { add(flag ? 1 : 2 as UInt64) }
}
