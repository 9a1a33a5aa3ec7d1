import Testing

@testable import fair_queue

struct StandstillTests {
    private func standstill(killedAt kill: Int? = nil, _ tell: (inout Story) -> Void) -> Standstill {
        var story = Story()
        tell(&story)
        var standstill = Standstill(hold: .milliseconds(100))
        if let kill { standstill.leaderKilled(at: Story.instant(kill)) }
        for event in story.events { standstill.add(event) }
        return standstill
    }

    @Test func withoutAKillNothingStandsStill() {
        let standstill = standstill { $0.turn(1, 10, queued: 0, acquired: 5000, released: 9000) }
        #expect(standstill.longest == nil)
        #expect(standstill.current(at: Story.instant(20_000)) == .zero)
    }

    @Test func theHoldIsNoPause() {
        let standstill = standstill(killedAt: 150) {
            $0.acquired(1, 10, at: 100)
            $0.released(1, 10, at: 200)
            $0.acquired(2, 11, at: 700)
            $0.released(2, 11, at: 800)
        }
        // From the release to the next acquisition; neither hold counts.
        #expect(standstill.longest == .milliseconds(500))
    }

    @Test func aHoldThatTakesLongerThanItShouldIs() {
        let standstill = standstill(killedAt: 150) {
            $0.acquired(1, 10, at: 100)
            $0.released(1, 10, at: 450)
        }
        #expect(standstill.longest == .milliseconds(250))
    }

    @Test func aHolderThatWasToldToStopHoldsNoMore() {
        let standstill = standstill(killedAt: 150) {
            $0.acquired(1, 10, at: 100)
            $0.cancelled(1, 10, at: 180)
            $0.acquired(2, 11, at: 480)
        }
        #expect(standstill.longest == .milliseconds(300))
    }

    @Test func whatWasBeforeTheKillDoesNotCount() {
        let standstill = standstill(killedAt: 5000) {
            $0.acquired(1, 10, at: 0)
            $0.released(1, 10, at: 1000)
            $0.acquired(2, 11, at: 5010)
        }
        #expect(standstill.longest == .milliseconds(10))
    }

    @Test func theLongestOfSeveralCounts() {
        let standstill = standstill(killedAt: 0) {
            $0.turn(1, 10, queued: 0, acquired: 20, released: 120)
            $0.turn(2, 11, queued: 0, acquired: 420, released: 520)
            $0.turn(3, 12, queued: 0, acquired: 530, released: 630)
        }
        #expect(standstill.longest == .milliseconds(300))
    }

    @Test func queueingIsNoProgress() {
        let standstill = standstill(killedAt: 0) {
            $0.queued(1, 10, at: 200)
            $0.acquired(1, 10, at: 300)
        }
        #expect(standstill.longest == .milliseconds(300))
    }

    /// Two workers tell of a hand-over at the same time.
    @Test func whatIsLearnedLateDoesNotCount() {
        let standstill = standstill(killedAt: 0) {
            $0.acquired(1, 10, at: 10)
            $0.acquired(2, 11, at: 111)
            $0.released(1, 10, at: 110)
            $0.released(2, 11, at: 211)
        }
        #expect(standstill.longest == .milliseconds(10))
    }

    @Test func itGrowsWhileNothingHappens() {
        let standstill = standstill(killedAt: 50) { $0.acquired(1, 10, at: 0) }
        #expect(standstill.longest == nil)
        #expect(standstill.current(at: Story.instant(90)) == .zero)
        #expect(standstill.current(at: Story.instant(350)) == .milliseconds(250))
    }
}
