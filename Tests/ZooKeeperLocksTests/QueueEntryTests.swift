import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueEntryTests {
    private func entry(_ name: String, data: [UInt8]?) throws -> QueueEntry {
        let contender = try #require(ContenderName(name))
        let stat = Stat(czxid: 77, ctime: 1_700_000_000_000, version: 3, ephemeralOwner: 5)
        return QueueEntry(contender, at: try NodePath("/lock").appending(name), stat, data: data)
    }

    @Test(
        arguments: [
            ("_c_7f3c0a52-1111-2222-3333-444455556666-lock-0000000000", .curator),
            ("_c_7f3c0a52111122223333444455556666-lock-0000000012", .goZookeeper),
            ("7f3c0a52111122223333444455556666__lock__0000000012", .kazoo),
            ("7f3c0a52111122223333444455556666__lock__-000000001", .kazoo),
            ("lock-0000000003", .other), ("_c_short-lock-0000000003", .other), ("_c_lock-0000000003", .other),
        ] as [(String, QueueEntry.Naming)])
    func namesTellTheLibrary(name: String, naming: QueueEntry.Naming) throws {
        #expect(try entry(name, data: nil).naming == naming)
    }

    @Test func aRecordIsRead() throws {
        let owner = Owner(host: "web1", pid: 12, label: "import", entered: 5)
        let entry = try entry("lock-0000000003", data: owner.data)
        #expect(entry.owner == owner)
        #expect(entry.identifier == nil)
        #expect(entry.fencingToken.rawValue == 77)
        #expect((entry.entered, entry.session, entry.version) == (1_700_000_000_000, 5, 3))
        #expect(entry.description == "web1:12 (import)")
    }

    @Test func otherTextIsShownUnlessItIsDangerousOrLong() throws {
        #expect(try entry("lock-0000000003", data: Array("host-7".utf8)).identifier == "host-7")
        #expect(try entry("lock-0000000003", data: [0x1B, 0x5B]).identifier == nil)
        #expect(try entry("lock-0000000003", data: [0xFF]).identifier == nil)
        #expect(try entry("lock-0000000003", data: Array(repeating: 65, count: 5000)).identifier == nil)
        #expect(try entry("lock-0000000003", data: []).description == "lock-0000000003")
    }

    @Test func namesAreOrderedByNumberAndOthersAreKeptApart() {
        let names = QueueNames([
            "b-lock--2147483640", "zz", "a-lock--2147483648", "a-lock-2147483647", "config",
            "7f3c0a52111122223333444455556666__lock__-2147483647",
        ])
        #expect(
            names.contenders.map(\.string) == [
                "a-lock-2147483647", "a-lock--2147483648", "7f3c0a52111122223333444455556666__lock__-2147483647",
                "b-lock--2147483640",
            ])
        #expect(names.others == ["config", "zz"])
    }
}
