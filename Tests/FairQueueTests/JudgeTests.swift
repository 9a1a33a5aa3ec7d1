import Testing

@testable import fair_queue

struct JudgeTests {
    private func verdict(_ tell: (inout Story) -> Void) -> Judge.Verdict {
        var story = Story()
        tell(&story)
        let verdict = Judge.verdict(on: story.events)
        // The order in which things were learned does not matter, only when they happened.
        #expect(Judge.verdict(on: story.events.reversed()) == verdict)
        return verdict
    }

    @Test func aGoodHistory() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.turn(2, 11, queued: 1, acquired: 6, released: 9)
            $0.turn(1, 12, queued: 7, acquired: 10, released: 12, round: 2)
        }
        #expect(verdict == Judge.Verdict(fifoViolations: 0, overlaps: 0, tokensRising: true))
    }

    @Test func anEmptyHistoryBreaksNoRule() {
        #expect(Judge.verdict(on: []) == Judge.Verdict())
    }

    @Test func overtakingIsSeen() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 6, released: 9)
            $0.turn(2, 11, queued: 1, acquired: 2, released: 5)
        }
        #expect(verdict == Judge.Verdict(fifoViolations: 1, overlaps: 0, tokensRising: false))
    }

    @Test func everyoneWhoOvertakesCounts() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 10, released: 11)
            $0.turn(2, 11, queued: 1, acquired: 2, released: 3)
            $0.turn(3, 12, queued: 1, acquired: 4, released: 5)
        }
        #expect(verdict.fifoViolations == 2)
    }

    @Test func overtakingOneWhoNeverGetsTheLockIsSeen() {
        let verdict = verdict {
            $0.queued(1, 10, at: 0)
            $0.turn(2, 11, queued: 1, acquired: 2, released: 3)
        }
        #expect(verdict == Judge.Verdict(fifoViolations: 1, overlaps: 0, tokensRising: true))
    }

    @Test func oneWhoWaitsBehindIsNotOvertaken() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 2, released: 3)
            $0.queued(2, 11, at: 1)
        }
        #expect(verdict == Judge.Verdict())
    }

    /// The queueing of a contender may be learned late; its token still says that it came first.
    @Test func overtakingOneWhoWasNotSeenToQueueIsSeen() {
        let verdict = verdict {
            $0.turn(2, 11, queued: 1, acquired: 2, released: 3)
            $0.acquired(1, 10, at: 4)
            $0.released(1, 10, at: 5)
        }
        #expect(verdict == Judge.Verdict(fifoViolations: 1, overlaps: 0, tokensRising: false))
    }

    @Test func aPlaceThatWasLostWithItsSessionLaysNoClaim() {
        let verdict = verdict {
            $0.queued(1, 10, at: 0)
            $0.turn(2, 11, queued: 1, acquired: 20, released: 21)
            // The session of worker 1 expired some time before 20: it queues again.
            $0.turn(1, 14, queued: 25, acquired: 26, released: 27)
        }
        #expect(verdict == Judge.Verdict())
    }

    @Test func aWorkerThatFailedWhileWaitingIsNotOvertaken() {
        let verdict = verdict {
            $0.queued(1, 10, at: 0)
            $0.turn(2, 11, queued: 1, acquired: 3, released: 5)
            $0.add(1, at: 4, .failed("its server was gone"))
        }
        #expect(verdict == Judge.Verdict())
    }

    @Test func twoHoldersAtOnceAreSeen() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.turn(2, 11, queued: 1, acquired: 4, released: 6)
        }
        #expect(verdict == Judge.Verdict(fifoViolations: 0, overlaps: 1, tokensRising: true))
    }

    @Test func everyPairOfHoldersCounts() {
        let verdict = verdict {
            for worker in 1...3 { $0.turn(worker, Int64(worker), queued: 0, acquired: worker, released: 10) }
        }
        #expect(verdict.overlaps == 3)
    }

    @Test func aHoldWithinAHoldIsSeenHoweverShort() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 9)
            $0.turn(2, 11, queued: 1, acquired: 5, released: 5)
        }
        #expect(verdict.overlaps == 1)
    }

    @Test func handingOverInOneMomentIsNoOverlap() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 5)
            $0.turn(2, 11, queued: 1, acquired: 5, released: 6)
        }
        #expect(verdict.overlaps == 0)
    }

    @Test func aHoldThatWasNeverSeenToEndOverlapsAllThatFollow() {
        let verdict = verdict {
            $0.acquired(1, 10, at: 1)
            $0.turn(2, 11, queued: 1, acquired: 50, released: 51)
            $0.turn(3, 12, queued: 1, acquired: 60, released: 61)
        }
        #expect(verdict.overlaps == 2)
    }

    @Test func anotherWorkersReleaseEndsNoHold() {
        let verdict = verdict {
            $0.acquired(1, 10, at: 1)
            $0.released(2, 10, at: 2)
            $0.turn(3, 12, queued: 1, acquired: 3, released: 4)
        }
        #expect(verdict.overlaps == 1)
    }

    @Test func aCrashedHolderHoldsUntilItsProcessIsGone() {
        func story(nextAcquired: Int) -> Judge.Verdict {
            verdict {
                $0.queued(1, 10, at: 0)
                $0.acquired(1, 10, at: 1)
                $0.crashed(1, 10, killed: 5, gone: 8)
                $0.turn(2, 11, queued: 1, acquired: nextAcquired, released: 20)
            }
        }
        #expect(story(nextAcquired: 7) == Judge.Verdict(fifoViolations: 0, overlaps: 1, tokensRising: true))
        #expect(story(nextAcquired: 8) == Judge.Verdict())
    }

    @Test func aLostLeaseIsAHoldUntilTheWorkerKnew() {
        let verdict = verdict {
            $0.acquired(1, 10, at: 1)
            $0.add(1, at: 9, .lost(Story.place(10), held: .zero))
            $0.turn(2, 11, queued: 1, acquired: 5, released: 6)
        }
        #expect(verdict.overlaps == 1)
    }

    @Test func theTurnOfACutOffHolderEndsWhenItHasStopped() {
        func verdict(nextAcquired: Int) -> Judge.Verdict {
            self.verdict {
                $0.queued(1, 10, at: 0)
                $0.acquired(1, 10, at: 1)
                $0.cancelled(1, 10, at: 8)
                $0.turn(2, 11, queued: 1, acquired: nextAcquired, released: 20)
                // It comes back, behind all others.
                $0.turn(1, 15, queued: 18, acquired: 21, released: 22, round: 2)
            }
        }
        #expect(verdict(nextAcquired: 7) == Judge.Verdict(fifoViolations: 0, overlaps: 1, tokensRising: true))
        #expect(verdict(nextAcquired: 8) == Judge.Verdict())
    }

    @Test func aTokenThatComesTwiceDoesNotRise() {
        let verdict = verdict {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 2)
            $0.turn(2, 10, queued: 1, acquired: 3, released: 4)
        }
        #expect(!verdict.tokensRising)
    }

    /// A judge that compares everything with everything would take minutes.
    @Test(.timeLimit(.minutes(5))) func longHistories() async {
        var story = Story()
        for turn in 0..<50_000 {
            // Others need the thread, too.
            if turn.isMultiple(of: 1000) { await Task.yield() }
            story.turn(
                turn % 100 + 1,
                Int64(turn),
                queued: max(0, turn * 10 - 990),
                acquired: turn * 10,
                released: turn * 10 + 9
            )
        }
        #expect(Judge.verdict(on: story.events) == Judge.Verdict())
    }
}
