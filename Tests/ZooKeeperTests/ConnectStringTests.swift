import Testing

@testable import ZooKeeper

@Suite struct ConnectStringTests {
    @Test(arguments: [
        ("h:2181", "h:2181"),
        ("a:1,b:2,c:3/app/x", "a:1,b:2,c:3/app/x"),
        ("[::1]:2181", "[::1]:2181"),
        ("127.0.0.1:2181/", "127.0.0.1:2181"),
        // Empty items and spaces are dropped; a server that is named twice counts once.
        ("a:1,,b:2,", "a:1,b:2"),
        (" a:1 , b:2", "a:1,b:2"),
        ("a:1,a:1", "a:1"),
    ])
    func accepted(text: String, meaning: String) throws {
        #expect(try ConnectString(text).description == meaning)
    }

    @Test(arguments: [
        ("", "it is empty"),
        (",", "no hosts"),
        ("/", "no hosts"),
        ("/app", "no hosts"),
        ("host", "missing port in 'host'"),
        ("h:", "bad port ''"),
        ("h:0", "bad port '0'"),
        ("h:abc", "bad port 'abc'"),
        ("h:-1", "bad port '-1'"),
        ("h:0x5532", "bad port '0x5532'"),
        ("h:99999", "bad port '99999'"),
        ("h:65536", "bad port '65536'"),
        ("h:١٢", "bad port"),
        ("::1:2181", "write an IPv6 address in brackets"),
        ("[::1]", "missing port"),
        ("[::1:2181", "missing ']'"),
        ("[]:2181", "missing host"),
        (":2181", "missing host"),
        ("zk://h:2181", "remove the scheme"),
        ("a:1;b:2", "separate hosts with ','"),
        ("a b:1", "bad host"),
        ("h:2181\u{0}x", "control character at byte 6"),
        ("h:2181\n", "control character at byte 6"),
        ("h:2181/a/", "bad chroot"),
        ("h:2181//a", "bad chroot"),
        ("h:2181/a/../b", "bad chroot"),
    ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: ZooKeeperError.self) { try ConnectString(text) }
        #expect(error?.code == .invalidConnectString)
        #expect(error?.detail.contains(reason) == true, "\(error?.detail ?? "")")
    }

    @Test func whateverIsThrownAtItIsAnswered() async {
        var generator = SeededGenerator(seed: 7)
        let pieces = ["a", ":", "2181", ",", "/", "[", "]", "::1", " ", ";", "é", "\u{0}", "..", "://", "99999", "-"]
        var accepted = 0
        for attempt in 0..<50_000 {
            // Others need the thread, too.
            if attempt.isMultiple(of: 1000) { await Task.yield() }
            let count = Int.random(in: 0...9, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard let parsed = try? ConnectString(text) else { continue }
            accepted += 1
            // What was understood means the same when it is written out.
            #expect((try? ConnectString(parsed.description)) == parsed, "\(text)")
        }
        #expect(accepted > 0)
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
