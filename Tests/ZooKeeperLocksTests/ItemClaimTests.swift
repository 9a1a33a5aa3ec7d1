import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// The decisions about one item, answer by answer.
@Suite struct ItemClaimTests {
    private static let lost = RequestFailure(.connectionLost, outcomeIsUnknown: true)
    private static let notSent = RequestFailure(.connectionLost)

    private static func exists(_ operation: Int) -> ItemClaim.Answer {
        .failed(RequestFailure(.nodeExists, failedOperation: operation))
    }

    private static func stat(zxid: Int64 = 7, version: Int32, marks: Int32 = 0) -> Stat {
        Stat(mzxid: zxid, version: version, numChildren: marks)
    }

    private func expect(
        _ verdict: ItemClaim.Verdict, asks question: ItemClaim.Question, _ location: SourceLocation = #_sourceLocation
    ) {
        if case .ask(question) = verdict { return }
        Issue.record("\(verdict)", sourceLocation: location)
    }

    private func expectTaken(_ verdict: ItemClaim.Verdict, _ location: SourceLocation = #_sourceLocation) {
        if case .taken = verdict { return }
        Issue.record("\(verdict)", sourceLocation: location)
    }

    private func expect(
        _ verdict: ItemClaim.Verdict, obtained zxid: Int64, attempt: Int, after previous: Owner? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) {
        if case .obtained(zxid, attempt, previous) = verdict { return }
        Issue.record("\(verdict)", sourceLocation: location)
    }

    @Test func oneRequestClaimsAFreeItem() {
        var claim = ItemClaim()
        expect(claim.answered(.claimed(Self.stat(version: 1))), obtained: 7, attempt: 1)
    }

    @Test func oneRequestTellsThatItIsTaken() {
        var claim = ItemClaim()
        expectTaken(claim.answered(Self.exists(0)))
    }

    @Test func aRecordWithoutAClaimIsReadAndContinued() {
        let owner = Owner(host: "h", pid: 1, entered: 2)
        var claim = ItemClaim()
        expect(claim.answered(Self.exists(1)), asks: .readRecord)
        expect(claim.answered(.record(owner.data, Self.stat(version: 3))), asks: .next(after: 3))
        #expect(claim.attempt == 4)
        expect(claim.answered(.claimed(Self.stat(zxid: 9, version: 4))), obtained: 9, attempt: 4, after: owner)
    }

    @Test func whoIsQuickerAtARecordHasTheItem() {
        var claim = ItemClaim()
        expect(claim.answered(Self.exists(1)), asks: .readRecord)
        expectTaken(claim.answered(.record([], Self.stat(version: 3, marks: 1))))
        claim = ItemClaim()
        expect(claim.answered(Self.exists(1)), asks: .readRecord)
        expect(claim.answered(.record([], Self.stat(version: 3))), asks: .next(after: 3))
        expect(claim.answered(.failed(RequestFailure(.badVersion, failedOperation: 1))), asks: .readRecord)
        // That one has released it by now.
        expect(claim.answered(.failed(RequestFailure(.noNode))), asks: .first)
        #expect(claim.attempt == 1)
        expect(claim.answered(Self.exists(1)), asks: .readRecord)
        expect(claim.answered(.record([], Self.stat(version: 1))), asks: .next(after: 1))
        expect(claim.answered(.failed(RequestFailure(.noNode, failedOperation: 1))), asks: .first)
    }

    @Test func aLostAnswerIsLookedForBehindAWrite() {
        var claim = ItemClaim()
        expect(claim.answered(.failed(Self.lost)), asks: .check)
        #expect(claim.isDoubtful)
        // The answer to that is lost, too.
        expect(claim.answered(.failed(Self.lost)), asks: .check)
        expect(claim.answered(.done), asks: .readOwnRecord)
        expect(claim.answered(.failed(Self.notSent)), asks: .readOwnRecord)
        expect(claim.answered(.record([], Self.stat(version: 1, marks: 1))), obtained: 7, attempt: 1)
    }

    @Test func whatWasNotExecutedIsAskedForAgain() {
        var claim = ItemClaim()
        expect(claim.answered(.failed(Self.lost)), asks: .check)
        expect(claim.answered(.failed(RequestFailure(.noNode, failedOperation: 0))), asks: .first)
        // What holds it may be ourselves.
        expect(claim.answered(Self.exists(0)), asks: .check)
        expectTaken(claim.answered(.failed(RequestFailure(.noNode, failedOperation: 0))))
    }

    @Test func whatWasNeverSentIsNotInDoubt() {
        var claim = ItemClaim()
        expect(claim.answered(.failed(Self.notSent)), asks: .first)
        #expect(!claim.isDoubtful)
    }

    @Test func aMissingPathIsMadeSoManyTimes() {
        var claim = ItemClaim()
        for _ in 0..<10 {
            expect(claim.answered(.failed(RequestFailure(.noNode, failedOperation: 0))), asks: .makeParents)
            expect(claim.answered(.done), asks: .first)
        }
        guard case .failed(let failure) = claim.answered(.failed(RequestFailure(.noNode, failedOperation: 0))) else {
            return #expect(Bool(false), "it goes on for ever")
        }
        #expect(failure.code == .noNode)
    }

    @Test func anEndedSessionAndAMissingRightEndIt() {
        for code in [ZooKeeperError.Code.sessionExpired, .closed, .notAuthorized, .requestTimedOut] {
            var claim = ItemClaim()
            if case .failed(let failure) = claim.answered(.failed(RequestFailure(code, failedOperation: 0))) {
                #expect(failure.code == code)
            } else {
                Issue.record("\(code)")
            }
        }
        var claim = ItemClaim()
        if case .askLater(.first) = claim.answered(.failed(RequestFailure(.throttled))) {} else { Issue.record() }
    }
}

/// Which items are asked for.
@Suite struct ClaimRoundTests {
    private func names(_ count: Int) -> [String] { (0..<count).map { "row-\($0)" } }

    @Test(arguments: [(100, 7), (7, 100), (10_000, 5000), (0, 3), (3, 0)])
    func noMoreAreUnderWayThanAreWanted(_ count: Int, _ wanted: Int) {
        var round = ClaimRound(names(count), wanted: wanted)
        var most = 0
        var asked: [Int] = []
        while !round.isOver {
            while case .claim(let index)? = round.next() { asked.append(index) }
            most = max(most, round.underway.count)
            #expect(round.underway.count + round.obtained.count <= wanted)
            guard let first = round.underway.min() else { break }
            round.wasObtained(first)
        }
        #expect(most == min(count, wanted, ClaimRound.width))
        #expect(asked == Array(0..<min(count, wanted)))
        #expect(round.obtained.count == min(count, wanted))
    }

    /// Of 2000 items the first 1500 are somebody's.
    @Test func oneListingSavesAskingForWhatIsTaken() {
        let names = names(2000)
        var round = ClaimRound(names, wanted: 50)
        var (requests, listings) = (0, 0)
        while !round.isOver {
            var steps: [ClaimRound.Step] = []
            while let step = round.next() { steps.append(step) }
            for step in steps {
                switch step {
                case .list:
                    listings += 1
                    round.listed(Array(names[..<1500]))
                case .claim(let index):
                    requests += 1
                    index < 1500 ? round.wasTaken(index) : round.wasObtained(index)
                }
            }
        }
        #expect(round.obtained == Array(1500..<1550))
        #expect(listings == 1)
        #expect(requests == 100)
    }

    /// Two spellings of one name are two items.
    @Test func aListingHidesNoOtherItem() {
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        var round = ClaimRound(names(20) + [composed, decomposed] + names(20).map { "x" + $0 }, wanted: 20)
        while round.next() != nil {}
        for index in 0..<20 { round.wasTaken(index) }
        #expect(round.next() == .list)
        round.listed([composed])
        #expect(round.next() == .claim(21))
    }

    @Test func aListingThatFailsDecidesNothing() {
        var round = ClaimRound(names(100), wanted: 20)
        while round.next() != nil {}
        for index in 0..<20 { round.wasTaken(index) }
        #expect(round.next() == .list)
        #expect(round.next() == nil)
        #expect(!round.isOver)
        round.listed(nil)
        #expect(round.next() == .claim(20))
    }
}
