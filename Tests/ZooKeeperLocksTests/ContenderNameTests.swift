import Testing

@testable import ZooKeeperLocks

@Suite struct ContenderNameTests {
    @Test(
        arguments: [
            ("_c_7f3c0a52-1111-2222-3333-444455556666-lock-0000000000", 0),
            ("_c_7f3c0a52-1111-2222-3333-444455556666-lock-2147483647", Int32.max),
            ("_c_7f3c0a52-1111-2222-3333-444455556666-lock--2147483648", Int32.min),
            ("_c_7f3c0a52-1111-2222-3333-444455556666-lock--000000001", -1),
            // go-zookeeper and kazoo
            ("_c_7f3c0a52111122223333444455556666-lock-0000000012", 12),
            ("7f3c0a52111122223333444455556666__lock__0000000012", 12),
            ("7f3c0a52111122223333444455556666__lock__-000000001", -1),
            ("lock-0000000003", 3),
        ] as [(String, Int32)])
    func contenders(name: String, sequence: Int32) {
        #expect(ContenderName(name)?.sequence.rawValue == sequence)
    }

    @Test(arguments: [
        "", "lock-", "lock-1", "lock-000000001", "lock-00000000001", "lock-9999999999", "x-0000000001", "config",
        "_c_7f3c-lock-000000000x", "_c_7f3c-lock--99999999999", "block--0000000001x", "-0000000001", "0000000001",
    ])
    func others(name: String) {
        #expect(ContenderName(name) == nil)
    }

    @Test func orderFollowsTheNumberNotTheText() throws {
        let first = try #require(ContenderName("zz-lock-0000000009"))
        let second = try #require(ContenderName("aa-lock-0000000010"))
        #expect(first.precedes(second))
        #expect(!second.precedes(first))
    }

    @Test(arguments: [(Int32.max, Int32.min), (0, 1), (-1, 0), (Int32.max - 5, Int32.min + 5)])
    func serialNumberArithmetic(earlier: Int32, later: Int32) {
        #expect(SequenceNumber(rawValue: earlier).precedes(SequenceNumber(rawValue: later)))
        #expect(!SequenceNumber(rawValue: later).precedes(SequenceNumber(rawValue: earlier)))
    }

    @Test func whateverIsThrownAtItDoesNotCrash() {
        var generator = SeededGenerator(seed: 42)
        let pieces = ["lock-", "__lock__", "-", "0", "9", "é", "2147483648", "0000000000", "\u{0}", "_c_", "/"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...8, using: &generator)
            let name = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            if let contender = ContenderName(name) { #expect(contender.string == name) }
        }
    }
}

/// SplitMix64: the same numbers from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
