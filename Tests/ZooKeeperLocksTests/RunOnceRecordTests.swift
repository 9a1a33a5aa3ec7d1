import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct RunOnceRecordTests {
    private static let owner = Owner(host: "h", pid: 1, label: "a\nb", entered: 2)

    @Test(arguments: [
        RunOnceRecord.Kind.value([]), .value([10, 0, 255, 10]), .failure("line\nline"), .failure(""), .invalidated,
    ])
    func whatIsWrittenIsReadAgain(_ kind: RunOnceRecord.Kind) {
        let record = RunOnceRecord(kind, run: "r", owner: Self.owner)
        #expect(RunOnceRecord(record.data) == record)
    }

    @Test(arguments: ["", "\n", "{}\n", "text", #"{"kind":"other","run":"r"}"# + "\n"])
    func otherDataIsNoResult(_ text: String) {
        #expect(RunOnceRecord(Array(text.utf8)) == nil)
    }

    private func view(_ kind: RunOnceRecord.Kind, zxid: Int64, written: Int64 = 0) -> RunOnceView {
        RunOnceView(
            record: RunOnceRecord(kind, run: "r", owner: Self.owner), zxid: zxid, version: 1, written: written)
    }

    @Test func aResultCountsForItsTimeAndForWhoWaited() {
        let lasting = RunOnceJudgement(timeToLive: nil, baseline: 5)
        #expect(lasting.verdict(on: view(.value([1]), zxid: 5), now: nil) == .value([1]))
        let brief = RunOnceJudgement(timeToLive: .milliseconds(100), baseline: 5)
        let old = view(.value([1]), zxid: 5, written: 1000)
        #expect(brief.dependsOnTime(old))
        #expect(brief.verdict(on: old, now: 1099) == .value([1]))
        #expect(brief.verdict(on: old, now: 1100) == .compute)
        #expect(brief.verdict(on: old, now: nil) == .compute)
        // It came while the caller waited.
        let new = view(.value([2]), zxid: 6, written: 1000)
        #expect(!brief.dependsOnTime(new))
        #expect(brief.verdict(on: new, now: nil) == .value([2]))
    }

    @Test func aFailureIsForThoseWhoWaited() {
        let judgement = RunOnceJudgement(timeToLive: nil, baseline: 5)
        #expect(judgement.verdict(on: view(.failure("f"), zxid: 5), now: nil) == .compute)
        #expect(judgement.verdict(on: view(.failure("f"), zxid: 6), now: nil) == .failure("f", by: Self.owner))
        #expect(judgement.verdict(on: view(.invalidated, zxid: 6), now: nil) == .compute)
        #expect(judgement.verdict(on: .nothing, now: nil) == .compute)
    }
}
