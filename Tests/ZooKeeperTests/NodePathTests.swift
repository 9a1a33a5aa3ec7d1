import Testing

@testable import ZooKeeper

@Suite struct NodePathTests {
    @Test(arguments: ["/", "/a", "/a/b-c/d.e", "/ü", "/a b", "/100%?", "/...", "/.a", "/zookeeperish", "/日本"])
    func accepted(text: String) throws {
        #expect(try NodePath(text).string == text)
    }

    @Test(arguments: [
        ("", "empty"),
        ("a", "begins with '/'"),
        ("/a/", "does not end with '/'"),
        ("//", "empty component at byte 1"),
        ("//a", "empty component at byte 1"),
        ("/a//b", "empty component at byte 3"),
        ("/./a", "relative component at byte 1"),
        ("/a/../b", "relative component at byte 3"),
        ("/a/..", "relative component at byte 3"),
        ("/a\u{0}b", "U+0 at byte 2"),
        ("/a\u{1f}", "U+1F at byte 2"),
        ("/a\n", "U+A at byte 2"),
        ("/\u{7f}", "U+7F"),
        ("/\u{9f}", "U+9F"),
        ("/\u{e000}", "U+E000"),
        ("/\u{fff0}", "U+FFF0"),
        ("/🎯", "outside the Basic Multilingual Plane"),
        ("/zookeeper", "reserved"),
        ("/zookeeper/quota", "reserved"),
        ("/zookeeper/\u{301}", "reserved"),
        ("/" + String(repeating: "a", count: 5000), "at most 4096"),
    ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: ZooKeeperError.self) { try NodePath(text) }
        #expect(error?.code == .invalidPath)
        #expect(error?.detail.contains(reason) == true, "\(error?.detail ?? "")")
    }

    @Test func familyOfPaths() throws {
        let path = try NodePath("/a/b")
        #expect(path.name == "b")
        #expect(path.parent?.string == "/a")
        #expect(path.parent?.parent == .root)
        #expect(NodePath.root.parent == nil)
        #expect(NodePath.root.name == "")
        #expect(try NodePath.root.appending("x").string == "/x")
        #expect(try path.appending("c").string == "/a/b/c")
        #expect(throws: ZooKeeperError.self) { try path.appending("") }
        #expect(throws: ZooKeeperError.self) { try path.appending("c/") }
        #expect(throws: ZooKeeperError.self) { try path.appending("c/d") }
    }

    @Test func pathsAreComparedByteByByte() throws {
        let composed = try NodePath("/\u{fc}")
        let decomposed = try NodePath("/u\u{308}")
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func whateverIsThrownAtItIsAnswered() async {
        var generator = SeededGenerator(seed: 11)
        let pieces = ["a", "/", ".", "..", "é", "\u{0}", "🎯", "zookeeper", " ", "\u{e001}", "\u{301}"]
        for attempt in 0..<50_000 {
            // Others need the thread, too.
            if attempt.isMultiple(of: 1000) { await Task.yield() }
            let count = Int.random(in: 0...8, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard let path = try? NodePath(text) else { continue }
            #expect(path.string.utf8.first == UInt8(ascii: "/"))
            #expect(!path.name.utf8.contains(UInt8(ascii: "/")))
            #expect(!path.string.utf8.contains(0))
            #expect(path == .root || (try? NodePath(path.parent?.string ?? "")) == path.parent)
        }
    }
}
