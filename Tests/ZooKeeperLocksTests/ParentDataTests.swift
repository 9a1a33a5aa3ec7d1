import Testing

@testable import ZooKeeperLocks

@Suite struct ParentDataTests {
    @Test func whatIsWrittenIsRead() {
        let name = "_c_7f3c0a52-1111-2222-3333-444455556666-lock-0000000042"
        #expect(ParentData(ParentData.recording(name)) == .ours(lastHead: ContenderName(name)))
        #expect(ParentData(ParentData.empty) == .ours(lastHead: nil))
    }

    @Test(arguments: ["", "10.0.0.1", "zookeeper-locks 10\n", "zookeeper-locks 1", "\nzookeeper-locks 1\n"])
    func whatOthersWroteIsForeign(_ text: String) {
        #expect(ParentData(Array(text.utf8)) == .foreign)
    }

    @Test(arguments: ["head\n", "head \n", "head nobody\n", "\u{0}\n", "tail _c_-lock-0000000001\n"])
    func aHeadThatIsNoContenderIsNone(_ lines: String) {
        #expect(ParentData(ParentData.empty + Array(lines.utf8)) == .ours(lastHead: nil))
    }
}
