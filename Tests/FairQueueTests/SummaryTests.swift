import Testing

@testable import fair_queue

struct SummaryTests {
    private func summary(
        _ plan: Plan,
        bound: Duration = .milliseconds(100),
        interruptedAt: Int? = nil,
        _ tell: (inout Story) -> Void
    ) -> Summary {
        var story = Story()
        tell(&story)
        return Summary(
            story.history,
            of: plan,
            recoveryBound: bound,
            start: Story.start,
            interruption: interruptedAt.map(Story.instant)
        )
    }

    private let two = Plan(workers: 2, rounds: 1)
    private let crash = Plan(workers: 2, rounds: 1, crashRound: 1)

    @Test func aGoodRun() {
        let summary = summary(two) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.turn(2, 11, queued: 1, acquired: 6, released: 9)
        }
        #expect(summary.isGood)
        #expect(summary.acquisitions == 2)
        #expect(summary.median == .milliseconds(1))
        #expect(summary.p99 == .milliseconds(5))
        #expect(summary.elapsed == .milliseconds(9))
        #expect(summary.recovery == nil)
    }

    @Test func aRunInWhichNothingHappenedProvesNothing() {
        #expect(summary(two) { _ in }.complaints == ["0 acquisitions instead of 2"])
    }

    @Test func aWorkerThatFailedOrLostTheLockIsAComplaint() {
        let failed = summary(two) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.add(2, at: 6, .failed("no server"))
        }
        #expect(failed.complaints == ["1 worker failed", "1 acquisition instead of 2"])
        let lost = summary(two) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.acquired(2, 11, at: 6)
            $0.add(2, at: 7, .lost(Story.place(11), held: .milliseconds(1)))
        }
        #expect(lost.complaints == ["1 lease lost while held"])
    }

    @Test func everyRuleIsAComplaintWhenBroken() {
        let summary = summary(two) {
            $0.turn(1, 10, queued: 0, acquired: 6, released: 9)
            $0.turn(2, 11, queued: 1, acquired: 2, released: 7)
        }
        #expect(
            summary.complaints == ["1 acquisition out of turn", "1 time two held at once", "tokens did not rise"]
        )
    }

    @Test(arguments: [(100, true), (101, false)])
    func theRecoveryIsMeasuredFromTheKill(_ milliseconds: Int, _ isInTime: Bool) {
        let summary = summary(crash) {
            $0.queued(1, 10, at: 0)
            $0.acquired(1, 10, at: 0)
            $0.crashed(1, 10, killed: 20, gone: 25)
            $0.turn(2, 11, queued: 1, acquired: 20 + milliseconds, released: 300)
        }
        #expect(summary.recovery == .milliseconds(milliseconds))
        #expect(summary.crashes == 1)
        #expect(summary.isGood == isInTime)
    }

    @Test func aCrashThatWasAskedForMustHappen() {
        let summary = summary(crash) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.turn(2, 11, queued: 1, acquired: 6, released: 9)
        }
        #expect(summary.complaints == ["no worker crashed"])
    }

    @Test func nobodyAfterTheCrash() {
        let summary = summary(crash) {
            $0.acquired(1, 10, at: 0)
            $0.crashed(1, 10, killed: 20, gone: 25)
        }
        #expect(summary.complaints.contains("nobody got the lock after the crash"))
    }

    private let leaderKill = Plan(workers: 2, rounds: 1, hold: .milliseconds(10), leaderKillTurn: 1)

    @Test func aPauseIsNoViolation() {
        let summary = summary(leaderKill) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 11)
            $0.ensemble(3, at: 5, .leaderKilled)
            $0.ensemble(1, at: 900, .leaderElected)
            $0.turn(2, 11, queued: 1, acquired: 5011, released: 5021)
        }
        #expect(summary.isGood)
        #expect(summary.killedLeaders == [3])
        #expect(summary.pause == .seconds(5))
        #expect(summary.verdict == Judge.Verdict())
    }

    @Test func aKillThatWasAskedForMustHappenAndBeOutlived() {
        let none = summary(leaderKill) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 11)
            $0.turn(2, 11, queued: 1, acquired: 12, released: 22)
        }
        #expect(none.complaints == ["no leader was killed"])
        #expect(none.pause == nil)
        let late = summary(leaderKill) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 11)
            $0.turn(2, 11, queued: 1, acquired: 12, released: 22)
            $0.ensemble(3, at: 23, .leaderKilled)
        }
        #expect(late.complaints == ["nobody went on after the leader was killed"])
        let failed = summary(leaderKill) {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 11)
            $0.ensemble(3, at: 5, .leaderKilled)
            $0.turn(2, 11, queued: 1, acquired: 12, released: 22)
            $0.ensemble(3, at: 30, .memberFailed("no port"))
        }
        #expect(failed.complaints == ["member 3: no port"])
    }

    private let partition = Plan(workers: 2, rounds: 1, partitionRound: 1)

    /// Two turns; the first holder is cut off at 5.
    private func cutOff(stopped: Int = 100, givenAway: Int? = 512) -> Summary {
        summary(partition) {
            $0.queued(1, 10, at: 0)
            $0.acquired(1, 10, at: 1)
            $0.ensemble(3, at: 5, .followerCutOff)
            $0.cancelled(1, 10, at: stopped)
            if let givenAway { $0.gaveAway(2, 1, 10, stopped: stopped, at: givenAway) }
            $0.turn(2, 11, queued: 1, acquired: 515, released: 520)
        }
    }

    @Test func aTurnThatEndedWithAMarginIsATurn() {
        let summary = cutOff()
        #expect(summary.isGood)
        #expect(summary.verdict == Judge.Verdict())
        #expect(summary.acquisitions == 2)
        #expect(summary.cutOff == [3])
        #expect(summary.cancelled == 1)
        #expect(summary.losses == 0)
        #expect(summary.margin == .milliseconds(412))
        #expect(Plan(workers: 6, rounds: 3, partitionRound: 2).acquisitions == 18)
    }

    @Test func aHolderThatStopsTooLateIsAComplaint() {
        // Before the next one has the lock, but too late all the same.
        #expect(
            cutOff(stopped: 514).complaints == ["the lock was given away 2 ms before its holder had stopped"]
        )
        #expect(cutOff(stopped: 512).complaints == ["the lock was given away 0 s before its holder had stopped"])
    }

    @Test func aPartitionThatWasAskedForMustHappenAndBeSeen() {
        #expect(cutOff(givenAway: nil).complaints == ["nobody saw the leader give the lock away"])
        func finished(_ tell: (inout Story) -> Void) -> [String] {
            summary(partition) {
                $0.turn(1, 10, queued: 0, acquired: 1, released: 11)
                tell(&$0)
                $0.turn(2, 11, queued: 1, acquired: 12, released: 22)
            }.complaints
        }
        #expect(finished { _ in } == ["no follower was cut off"])
        #expect(
            finished { $0.ensemble(3, at: 5, .followerCutOff) }
                == ["the holder that was cut off was not told to stop"]
        )
    }

    @Test func afterAnInterruptionNothingCounts() {
        let summary = summary(two, interruptedAt: 5) {
            $0.queued(1, 10, at: 0)
            $0.turn(2, 11, queued: 1, acquired: 6, released: 7)
        }
        #expect(summary.isInterrupted)
        #expect(summary.isGood)
        #expect(summary.acquisitions == 0)
    }

    @Test func roundsThatACrashedWorkerDoesNotMakeAreNotExpected() {
        #expect(Plan(workers: 6, rounds: 3, crashRound: 2).acquisitions == 17)
        #expect(Plan(workers: 6, rounds: 3).acquisitions == 18)
    }

    @Test func percentilesGoByNearestRank() {
        #expect(Percentile.of([Int](), 50) == nil)
        #expect(Percentile.of([7], 99) == 7)
        #expect(Percentile.of([3, 1, 2], 50) == 2)
        #expect(Percentile.of([4, 3, 2, 1], 50) == 2)
        #expect(Percentile.of(Array(1...100), 99) == 99)
        #expect(Percentile.of(Array(1...101), 99) == 100)
        #expect(Percentile.of([1, 2], 0) == 1)
    }
}
