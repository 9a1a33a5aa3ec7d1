import Testing

@testable import ZooKeeperLocks

@Suite struct OwnerTests {
    @Test func aRecordComesBackAsItWas() {
        let owner = Owner(host: "db-1", pid: 4711, label: "nightly \"job\" / ü 🎯 \n", entered: 1_700_000_000_123)
        #expect(Owner(owner.data) == owner)
    }

    @Test func aPayloadComesBackAsItWas() {
        let owner = Owner(host: "a", pid: 1, entered: 1, payload: (0...255).map { UInt8($0) })
        #expect(Owner(owner.data) == owner)
        let largest = Owner(
            host: "a", pid: 1, label: String(repeating: "\u{1}", count: Owner.maximumLabelLength), entered: 1,
            payload: Array(repeating: 0xFF, count: Owner.maximumPayloadLength))
        #expect(Owner(largest.data) == largest)
    }

    @Test func theRecordOfThisProcess() {
        let owner = Owner.current(label: nil)
        #expect(!owner.host.isEmpty)
        #expect(owner.pid > 0)
        #expect(Owner(owner.data) == owner)
    }

    @Test func theRecordThatIsWrittenAtAnAcquireIsTheSame() throws {
        for label in [nil, "nightly", "nightly", "a \"b\" / ü 🎯 \n", "", nil] {
            let written = try #require(Owner(Owner.entering(label: label)))
            var expected = Owner.current(label: label)
            #expect(written.entered <= expected.entered && written.entered > expected.entered - 60_000)
            expected.entered = written.entered
            #expect(written == expected)
            #expect(Owner.entering(label: label).count == expected.data.count)
            #expect(Owner(Owner.entering(label: label, takesTurns: true))?.takesTurns == true)
        }
    }

    @Test(arguments: [
        "", "192.168.0.1", "{", "[]", "{\"host\":1}", "null", "\u{0}\u{1}", "{\"host\":\"a\",\"pid\":99999999999}",
    ])
    func dataOfOthersIsNoRecord(text: String) {
        #expect(Owner([UInt8](text.utf8)) == nil)
    }

    @Test func hugeDataIsNotEvenRead() {
        #expect(Owner([UInt8](repeating: UInt8(ascii: "["), count: 900_000)) == nil)
    }
}
