import Testing

@testable import ZooKeeperLocks

/// Which stripe a key belongs to, and how that is stored. All of it has to stay as it is: others have stored it.
@Suite struct StripeTests {
    /// From the authors' own list (http://www.isthe.com/chongo/src/fnv/test_fnv.c, 64 bit FNV-1a), and RFC 9923.
    @Test(
        arguments: [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("b", 0xaf63_df4c_8601_f1a5),
            ("c", 0xaf63_de4c_8601_eff2), ("d", 0xaf63_d94c_8601_e773), ("e", 0xaf63_d84c_8601_e5c0),
            ("f", 0xaf63_db4c_8601_ead9), ("fo", 0x0898_5907_b541_d342), ("foo", 0xdcb2_7518_fed9_d577),
            ("foob", 0xdd12_0e79_0c25_12af), ("fooba", 0xcac1_65af_a2fe_f40a), ("foobar", 0x8594_4171_f739_67e8),
        ] as [(String, UInt64)])
    func theHashIsTheOneThatIsPublished(text: String, hash: UInt64) {
        #expect(StripeHash.hash(text.utf8) == hash)
    }

    @Test func theLayoutIsWrittenAsItAlwaysWas() {
        let layout = StripeLayout(count: 64)
        #expect(String(decoding: layout.data, as: UTF8.self) == "zookeeper-locks 1\nstripes 64 fnv-1a-64\n")
        #expect(StripeLayout(layout.data) == layout)
    }

    @Test(arguments: [
        "", "stripes 64 fnv-1a-64\n", "zookeeper-locks 1\n", "zookeeper-locks 1\npermits 3\n",
        "zookeeper-locks 1\nstripes 0 fnv-1a-64\n", "zookeeper-locks 1\nstripes x fnv-1a-64\n",
        "zookeeper-locks 1\nstripes 64\n",
    ])
    func whatSaysNothingOfStripesIsTold(text: String) {
        #expect(StripeLayout(Array(text.utf8)) == nil)
    }

    /// A mutex on the same path would leave word there of who was the head.
    @Test func whatItSaysIsNeverWrittenOver() {
        #expect(ParentData(StripeLayout(count: 64).data) == .foreign)
    }

    @Test func keysAreSpreadEvenly() {
        var counts = Array(repeating: 0, count: 64)
        for number in 0..<64_000 { counts[Int(StripeHash.hash("order-\(number)".utf8) % 64)] += 1 }
        #expect(counts.allSatisfy { (800...1200).contains($0) }, "\(counts)")
    }
}
