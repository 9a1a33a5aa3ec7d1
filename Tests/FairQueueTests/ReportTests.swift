import Testing
import ToolArguments

@testable import fair_queue

struct ReportTests {
    private let start = Message.Start(instant: Story.start, recoveryBound: .milliseconds(4500))

    private func entries(_ tell: (inout Story) -> Void) -> [History.Entry] {
        var story = Story()
        tell(&story)
        var history = History()
        return story.events.compactMap { history.add($0) }
    }

    @Test func eventsAsJSON() {
        let lines = entries {
            $0.queued(1, 10, at: 1, ahead: 2)
            $0.acquired(1, 10, at: 6, waited: 5)
            $0.add(1, at: 9, .released(Story.place(10), held: .microseconds(2500)))
            $0.add(2, round: 3, at: 10, .failed("\"no\"\n\u{1}\\"))
        }.compactMap { JSONReport.line($0, start)?.text }
        #expect(
            lines == [
                #"{"event":"queued","worker":1,"round":1,"node":"/lock/10","token":10,"ahead":2,"timeMs":1.0}"#,
                #"{"event":"acquired","worker":1,"round":1,"node":"/lock/10","token":10,"waitMs":5.0,"timeMs":6.0}"#,
                #"{"event":"released","worker":1,"round":1,"node":"/lock/10","token":10,"holdMs":2.5,"timeMs":9.0}"#,
                #"{"event":"failed","worker":2,"round":3,"reason":"\"no\"\n\u0001\\","timeMs":10.0}"#,
            ]
        )
    }

    @Test func aCrashAsJSON() {
        let lines = entries {
            $0.add(1, at: 25, .crashed(Story.place(10), held: .milliseconds(24), killed: Story.instant(20)))
            $0.acquired(2, 11, at: 50, waited: 1)
        }.compactMap { JSONReport.line($0, start)?.text }
        #expect(
            lines == [
                #"{"event":"crashed","worker":1,"round":1,"node":"/lock/10","token":10,"holdMs":24.0,"#
                    + #""killedMs":20.0,"recoveryBoundMs":4500.0,"timeMs":25.0}"#,
                #"{"event":"acquired","worker":2,"round":1,"node":"/lock/11","token":11,"waitMs":1.0,"#
                    + #""recoveryMs":30.0,"recoveryBoundMs":4500.0,"timeMs":50.0}"#,
            ]
        )
    }

    @Test func theSummaryAsJSON() {
        var story = Story()
        story.turn(1, 10, queued: 0, acquired: 6, released: 9)
        story.turn(2, 11, queued: 1, acquired: 2, released: 7)
        let summary = Summary(
            story.history,
            of: Plan(workers: 2, rounds: 1),
            recoveryBound: start.recoveryBound,
            start: Story.start
        )
        #expect(
            JSONReport.line(summary).text
                == #"{"event":"summary","ok":false,"workers":2,"rounds":1,"acquisitions":2,"expectedAcquisitions":2,"#
                + #""fifoViolations":1,"overlaps":1,"tokensRising":false,"waitMsP50":1.0,"waitMsP99":6.0,"#
                + #""crashes":0,"recoveryMs":null,"recoveryBoundMs":null,"leaderKills":0,"pauseMs":null,"partitions":0,"#
                + #""cancelled":0,"marginMs":null,"lost":0,"failed":0,"interrupted":false,"elapsedMs":9.0}"#
        )
    }

    @Test func whatHappensToTheEnsemble() {
        var story = Story()
        story.ensemble(2, at: 20, .leaderKilled)
        story.ensemble(3, at: 450, .leaderElected)
        story.ensemble(2, at: 1900, .memberRestarted)
        story.ensemble(2, at: 1950, .memberFailed("no \"port\""))
        #expect(
            story.ensembleEvents.map { JSONReport.line($0, start).text } == [
                #"{"event":"leaderKilled","member":2,"timeMs":20.0}"#,
                #"{"event":"leaderElected","member":3,"timeMs":450.0}"#,
                #"{"event":"memberRestarted","member":2,"timeMs":1900.0}"#,
                #"{"event":"memberFailed","member":2,"reason":"no \"port\"","timeMs":1950.0}"#,
            ]
        )
        #expect(
            story.ensembleEvents.map { PlainReport.line($0, start) } == [
                "   0.020  member 2    killed: it was the leader",
                "   0.450  member 3    leads",
                "   1.900  member 2    serves again",
                "   1.950  member 2    failed: no \"port\"",
            ]
        )
    }

    @Test func theLossOfTheLeaderInTheSummary() {
        var story = Story()
        story.turn(1, 10, queued: 0, acquired: 1, released: 9)
        story.ensemble(2, at: 5, .leaderKilled)
        story.turn(2, 11, queued: 1, acquired: 409, released: 417)
        let summary = Summary(
            story.history,
            of: Plan(workers: 2, rounds: 1, hold: .milliseconds(8), leaderKillTurn: 1),
            recoveryBound: start.recoveryBound,
            start: Story.start
        )
        let json = JSONReport.line(summary).text
        #expect(json.contains(#""ok":true"#) && json.contains(#""leaderKills":1,"pauseMs":400.0"#))
        let table = SummaryTable.lines(summary, .ascii).map(\.text)
        #expect(table.contains { $0.contains("member 2 was killed") && $0.hasSuffix("stood still for 400 ms") })
    }

    @Test func theEndOfACutOffHolder() {
        var story = Story()
        story.acquired(1, 10, at: 100)
        story.ensemble(2, at: 400, .followerCutOff)
        story.cancelled(1, 10, at: 1000, held: 900)
        story.gaveAway(3, 1, 10, stopped: 1000, held: 900, at: 1412)
        story.ensemble(2, at: 1420, .partitionHealed)
        let entries = entries { $0 = story }
        // Its line comes when the margin is known.
        #expect(entries.map { JSONReport.line($0, start) == nil } == [false, true])
        #expect(
            story.ensembleEvents.map { JSONReport.line($0, start).text } == [
                #"{"event":"followerCutOff","member":2,"timeMs":400.0}"#,
                #"{"event":"cancelled","worker":1,"round":1,"node":"/lock/10","token":10,"holdMs":900.0,"#
                    + #""deletedMs":1412.0,"marginMs":412.0,"timeMs":1000.0}"#,
                #"{"event":"partitionHealed","member":2,"timeMs":1420.0}"#,
            ]
        )
        #expect(
            entries.map { PlainReport.line($0, start) }.last
                == "   1.000  worker 1    round 1    cancelled  told to stop, and has, after holding it 900 ms"
        )
        #expect(
            story.ensembleEvents.map { PlainReport.line($0, start) } == [
                "   0.400  member 2    cut off from the other members, and does not know: the holder is connected to it",
                "   1.412  member 3    gives the lock of worker 1 away, 412 ms after it had stopped",
                "   1.420  member 2    reaches the other members again",
            ]
        )
        var late = Story()
        late.gaveAway(3, 1, 10, stopped: 1000, held: 900, at: 950)
        #expect(
            late.ensembleEvents.map { PlainReport.line($0, start) }
                == ["   0.950  member 3    gives the lock of worker 1 away, 50 ms before it had stopped"]
        )
    }

    @Test func aPartitionInTheSummary() {
        var story = Story()
        story.acquired(1, 10, at: 1)
        story.ensemble(2, at: 5, .followerCutOff)
        story.cancelled(1, 10, at: 100, held: 99)
        story.gaveAway(3, 1, 10, stopped: 100, held: 99, at: 512)
        story.turn(2, 11, queued: 1, acquired: 513, released: 520)
        let summary = Summary(
            story.history,
            of: Plan(workers: 2, rounds: 1, partitionRound: 1),
            recoveryBound: start.recoveryBound,
            start: Story.start
        )
        let json = JSONReport.line(summary).text
        #expect(json.contains(#""ok":true"#))
        #expect(json.contains(#""partitions":1,"cancelled":1,"marginMs":412.0,"lost":0"#))
        let table = SummaryTable.lines(summary, .ascii).map(\.text)
        #expect(
            table.contains {
                $0.contains("member 2 was cut off") && $0.hasSuffix("stopped 412 ms before the lock was given away")
            }
        )
    }

    @Test func eventsAsPlainLines() {
        let lines = entries {
            $0.queued(1, 10, at: 1, ahead: 2)
            $0.acquired(12, 10, at: 62_345, waited: 350)
        }.map { PlainReport.line($0, start) }
        #expect(
            lines == [
                "   0.001  worker 1    round 1    queued     2 ahead",
                "  62.345  worker 12   round 1    acquired   waited 350 ms, token 10",
            ]
        )
    }

    @Test func theTableSaysWhatIsWrong() {
        var story = Story()
        story.turn(1, 10, queued: 0, acquired: 6, released: 9)
        story.turn(2, 11, queued: 1, acquired: 2, released: 7)
        func last(interruptedAt interruption: ContinuousClock.Instant? = nil) -> String? {
            let summary = Summary(
                story.history,
                of: Plan(workers: 2, rounds: 1),
                recoveryBound: start.recoveryBound,
                start: Story.start,
                interruption: interruption
            )
            return SummaryTable.lines(summary, .ascii).last?.text
        }
        #expect(
            last() == "  x 1 acquisition out of turn; 1 time two held at once; tokens did not rise"
        )
        #expect(last(interruptedAt: Story.instant(5)) == "  interrupted: x 1 acquisition out of turn")
        #expect(last(interruptedAt: Story.instant(1)) == "  interrupted, nothing wrong until then")
    }
}
