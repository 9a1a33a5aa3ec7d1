import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct HoldingSinceTests {
    private func moment(
        _ sequence: Int32, czxid: Int64 = 50, pzxid: Int64 = 60, mzxid: Int64 = 55, record: ParentData? = nil
    ) throws -> Int64? {
        let name = try #require(ContenderName(Harness.name(sequence)))
        let entry = QueueEntry(
            name, at: try NodePath("/lock/\(name.string)"), Stat(czxid: czxid, ctime: 1000), data: nil)
        return HoldingSince.moment(
            name, entry, parent: Stat(mzxid: mzxid, pzxid: pzxid, mtime: 2000), record: record)
    }

    private func record(_ sequence: Int32) -> ParentData { .ours(lastHead: ContenderName(Harness.other(sequence))) }

    @Test func oneThatNobodyHasLeftOrFollowedHeldFromTheBeginning() throws {
        #expect(try moment(7, czxid: 50, pzxid: 50) == 1000)
    }

    @Test func theFirstOneEverHeldFromTheBeginning() throws {
        #expect(try moment(0) == 1000)
    }

    @Test func oneThatCameRightAfterTheLastHolderHoldsSinceThatOnesRelease() throws {
        #expect(try moment(7, record: record(6)) == 2000)
        // It came when that one had gone.
        #expect(try moment(7, mzxid: 40, record: record(6)) == 1000)
        #expect(try moment(.min, record: record(.max)) == 2000)
    }

    @Test func whateverElseIsNotKnown() throws {
        #expect(try moment(7) == nil)
        #expect(try moment(7, record: .foreign) == nil)
        #expect(try moment(7, record: .ours(lastHead: nil)) == nil)
        // Somebody was in between, and left at some time.
        #expect(try moment(8, record: record(6)) == nil)
        #expect(try moment(7, record: record(7)) == nil)
    }
}
