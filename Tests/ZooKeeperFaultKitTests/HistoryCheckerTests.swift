import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@testable import ZooKeeperFaultKit

/// Each rule has a history that breaks it and nothing else.
@Suite struct HistoryCheckerTests {
    typealias Violation = HistoryVerdict.Violation

    private func verdict(
        by checker: HistoryChecker = .init(), _ tell: (inout HistoryStory) throws -> Void
    ) rethrows -> HistoryVerdict {
        var story = HistoryStory()
        try tell(&story)
        let verdict = checker.verdict(on: story.history)
        // The order in which things were learned does not matter. (Of two that happen at once it does.)
        var shuffled = LockHistory()
        var generator = SeededGenerator(seed: 3)
        let strands = Dictionary(grouping: story.history.events, by: \.instant)
        for instant in strands.keys.shuffled(using: &generator) {
            for event in strands[instant] ?? [] { shuffled.add(event.kind, at: event.instant) }
        }
        #expect(checker.verdict(on: shuffled) == verdict)
        return verdict
    }

    private func stuck(_ verdict: HistoryVerdict) -> [LockHistory.Contender] {
        verdict.violations.compactMap { if case .stuckWaiter(let contender, _) = $0 { contender } else { nil } }
    }

    private func token(_ number: Int64) -> FencingToken { FencingToken(rawValue: number) }

    // MARK: Good ones

    @Test func `A good history is clean`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 100)
            $0.tell(50, .renewed("a", validUntil: $0.at(150)))
            try $0.enters("b", 11, at: 5)
            // One that gave up.
            try $0.enters("c", 12, at: 6)
            try $0.deleted("c", at: 60)
            $0.tell(61, .gaveUp("c"))
            try $0.enters("d", 13, at: 7)
            $0.write(10, accepted: true, at: 55)
            try $0.releases("a", at: 120)
            $0.granted("b", 11, at: 121, until: 221)
            $0.write(11, accepted: true, at: 122)
            $0.write(10, accepted: false, at: 123)
            $0.write(11, accepted: true, at: 124)
            // Cut off, and stopped in time.
            $0.tell(190, .cancelled("b"))
            $0.tell(200, .bodyEnded("b"))
            $0.tell(201, .lost("b"))
            try $0.deleted("b", at: 300)
            $0.granted("d", 13, at: 301, until: 401)
            try $0.releases("d", at: 310)
        }
        #expect(verdict.violations == [])
        #expect(verdict.isClean)
        #expect(verdict.grants == 3)
        #expect(verdict.margins == [.init("b", .milliseconds(100))])
    }

    @Test func `An empty history is clean`() {
        let verdict = HistoryChecker().verdict(on: LockHistory())
        #expect(verdict == HistoryVerdict())
        #expect(verdict.isClean)
        #expect(verdict.smallestMargin == nil && verdict.medianMargin == nil)
    }

    @Test func `A lease ends in the moment in which the next begins`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 100)
            try $0.enters("b", 11, at: 2)
            // Its process sleeps; nobody hears of it again until much later.
            try $0.deleted("a", at: 100)
            $0.granted("b", 11, at: 100, until: 200)
            try $0.releases("b", at: 110)
            $0.tell(500, .cancelled("a"))
            $0.tell(501, .bodyEnded("a"))
        }
        // That it was stopped too late is another matter.
        #expect(verdict.violations == [.lateCancellation("a", by: .milliseconds(400))])
        #expect(verdict.margins == [.init("a", .milliseconds(-401))])
    }

    @Test func `A holder that crashed makes no claim any more`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 1000)
            try $0.enters("b", 11, at: 2)
            $0.tell(50, .crashed("a"))
            try $0.deleted("a", at: 300)
            $0.granted("b", 11, at: 301, until: 400)
            try $0.releases("b", at: 350)
        }
        #expect(verdict.violations == [])
    }

    @Test func `A place that was lost with its session lays no claim, nor one of a waiter that crashed`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1)
            try $0.enters("b", 11, at: 2)
            $0.tell(2, .asked("crashing"))
            $0.tell(3, .entered("crashing", node: try $0.node("crashing"), czxid: 12))
            try $0.enters("c", 13, at: 4)
            // The session of b expires some time before that.
            try $0.releases("a", at: 20)
            $0.tell(30, .crashed("crashing"))
            $0.granted("c", 13, at: 40)
            try $0.deleted("b", at: 41)
            $0.tell(50, .entered("b", node: try NodePath("/lock/b-again"), czxid: 14))
            try $0.releases("c", at: 60)
            $0.granted("b", 14, at: 61)
            $0.tell(70, .bodyEnded("b"))
        }
        #expect(verdict.violations == [])
    }

    @Test func `A place that is told of once more is still one place`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            try $0.enters("b", 11, at: 2)
            // After its connection was lost.
            $0.tell(10, .entered("a", node: try $0.node("a"), czxid: 10))
            $0.granted("a", 10, at: 20)
            $0.tell(30, .bodyEnded("a"))
            $0.granted("b", 11, at: 40)
            try $0.releases("b", at: 50)
            // Whoever looks at the leader was late.
            try $0.deleted("a", at: 200)
        }
        #expect(verdict.violations == [])
    }

    @Test func `Whoever enters once more gave its first place up by then`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            try $0.enters("b", 11, at: 2)
            $0.tell(10, .entered("a", node: try NodePath("/lock/a-again"), czxid: 12))
            $0.granted("b", 11, at: 11)
            try $0.releases("b", at: 20)
            $0.granted("a", 12, at: 21)
            $0.tell(30, .bodyEnded("a"))
            // Whoever looks at the leader was late.
            try $0.deleted("a", at: 200)
        }
        #expect(verdict.violations == [])
    }

    // MARK: One rule each

    @Test func `Tokens that do not rise are seen`() throws {
        let verdict = try verdict {
            // Nobody waits for anybody: only the tokens are wrong.
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1)
            try $0.releases("a", at: 2)
            try $0.enters("b", 9, at: 10)
            $0.granted("b", 9, at: 11)
            try $0.releases("b", at: 12)
            try $0.enters("c", 10, at: 20)
            $0.granted("c", 10, at: 21)
            try $0.releases("c", at: 22)
        }
        // By its token b had been ahead of a.
        #expect(
            verdict.violations.filter { $0.rule == .tokenOrder }
                == [
                    .tokenOrder("b", token: token(9), after: token(10)),
                    .tokenOrder("c", token: token(10), after: token(10)),
                ])
        #expect(verdict.violations.filter { $0.rule != .tokenOrder } == [.fifo("a", overtaking: "b")])
    }

    @Test func `A token that comes twice is seen`() {
        let verdict = verdict {
            $0.granted("a", 10, at: 1)
            $0.tell(2, .released("a"))
            $0.granted("b", 10, at: 3)
            $0.tell(4, .released("b"))
        }
        #expect(verdict.violations == [.tokenOrder("b", token: token(10), after: token(10))])
    }

    @Test func `Overtaking one who gives up later is seen`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            try $0.enters("b", 11, at: 1)
            $0.granted("b", 11, at: 20)
            try $0.releases("b", at: 30)
            try $0.deleted("a", at: 200)
            $0.tell(201, .gaveUp("a"))
        }
        #expect(verdict.violations == [.fifo("b", overtaking: "a")])
    }

    @Test func `What was seen at the leader may have been seen late`() throws {
        func story(_ story: inout HistoryStory) throws {
            try story.enters("a", 10, at: 0)
            try story.enters("b", 11, at: 1)
            story.granted("b", 11, at: 20)
            try story.releases("b", at: 100)
            try story.deleted("a", at: 60)
            story.tell(61, .gaveUp("a"))
        }
        #expect(try verdict(story).violations == [])
        var checker = HistoryChecker()
        checker.observationLag = .milliseconds(10)
        #expect(try verdict(by: checker, story).violations == [.fifo("b", overtaking: "a")])
    }

    @Test func `Everyone who overtakes is named`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            try $0.enters("b", 11, at: 1)
            try $0.enters("c", 12, at: 2)
            $0.granted("b", 11, at: 20)
            try $0.releases("b", at: 30)
            $0.granted("c", 12, at: 31)
            try $0.releases("c", at: 40)
            $0.granted("a", 10, at: 41)
            try $0.releases("a", at: 50)
        }
        #expect(
            verdict.violations == [
                .tokenOrder("a", token: token(10), after: token(12)),
                .fifo("b", overtaking: "a"), .fifo("c", overtaking: "a"),
            ])
    }

    @Test func `Two leases that say valid at once are seen`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 100)
            try $0.enters("b", 11, at: 2)
            $0.granted("b", 11, at: 90, until: 200)
            $0.tell(95, .cancelled("a"))
            try $0.releases("a", at: 98)
            try $0.releases("b", at: 150)
        }
        #expect(verdict.violations == [.overlap("a", "b", for: .milliseconds(8))])
    }

    @Test func `A hold that nobody saw end overlaps the next`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1)
            try $0.enters("b", 11, at: 2)
            $0.granted("b", 11, at: 90)
            try $0.releases("b", at: 150)
        }
        #expect(verdict.violations == [.overlap("a", "b", for: .milliseconds(60))])
    }

    @Test func `A lease that ran out and was renewed later overlaps nobody in between, but was not stopped`() {
        let verdict = verdict {
            $0.granted("a", 10, at: 0, until: 100)
            $0.granted("b", 11, at: 110, until: 150)
            $0.tell(120, .bodyEnded("b"))
            $0.tell(130, .renewed("a", validUntil: $0.at(200)))
            $0.tell(140, .bodyEnded("a"))
        }
        #expect(verdict.violations == [.lateCancellation("a", by: .milliseconds(40))])
    }

    @Test func `A waiter that is told nothing is seen, and one that waits too long`() throws {
        func story(_ story: inout HistoryStory) throws {
            // Has asked, and was never even seen in the queue.
            story.tell(0, .asked("a"))
            try story.enters("b", 11, at: 5)
            story.granted("b", 11, at: 90)
            try story.releases("b", at: 100)
            story.tell(110, .asked("late"))
        }
        let all = try verdict(story)
        #expect(all.violations.map(\.rule) == [.stuckWaiter, .stuckWaiter])
        #expect(stuck(all) == ["a", "late"])
        var checker = HistoryChecker()
        checker.patience = .milliseconds(50)
        let impatient = try verdict(by: checker, story)
        #expect(impatient.violations.map(\.rule) == [.stuckWaiter, .stuckWaiter])
        #expect(stuck(impatient) == ["a", "b"])
    }

    @Test func `A node that stays behind is seen`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1)
            $0.tell(5, .bodyEnded("a"))
            // Nobody was told of this one: the reply to its create was lost.
            $0.tell(6, .nodeCreated(try $0.node("nobody's")))
            // These two are in use.
            try $0.enters("b", 11, at: 7)
            $0.granted("b", 11, at: 8)
        }
        let nodes = try [NodePath("/lock/a"), NodePath("/lock/nobody's")]
        #expect(verdict.violations == nodes.map { .orphanNode($0) })
    }

    @Test func `A stale write that is accepted is seen, and a fresh one that is refused`() {
        let stale = verdict {
            $0.write(10, accepted: true, at: 0)
            $0.write(11, accepted: true, at: 1)
            $0.write(10, accepted: true, at: 2)
            $0.write(10, accepted: false, at: 3)
        }
        #expect(stale.violations == [.staleWrite(token: token(10), after: token(11))])
        let fresh = verdict {
            $0.write(10, accepted: true, at: 0)
            $0.write(10, accepted: false, at: 1)
            $0.write(11, accepted: false, at: 2)
        }
        #expect(fresh.violations == [.freshWrite(token: token(10)), .freshWrite(token: token(11))])
    }

    @Test func `A holder that is not stopped before its deadline is seen`() throws {
        let late = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 100)
            $0.tell(130, .cancelled("a"))
            try $0.releases("a", at: 140)
        }
        #expect(late.violations == [.lateCancellation("a", by: .milliseconds(30))])
        let never = verdict { $0.granted("a", 10, at: 1, until: 100) }
        #expect(never.violations == [.lateCancellation("a", by: nil)])
        let just = verdict {
            $0.granted("a", 10, at: 1, until: 100)
            $0.tell(100, .cancelled("a"))
            // A body may ignore it; the lease does not.
            $0.tell(400, .bodyEnded("a"))
        }
        #expect(just.violations == [])
    }

    @Test func `A lease that says valid after the leader has deleted its node is seen`() throws {
        let verdict = try verdict {
            try $0.enters("a", 10, at: 0)
            $0.granted("a", 10, at: 1, until: 100)
            try $0.deleted("a", at: 70)
            $0.tell(80, .cancelled("a"))
            $0.tell(90, .bodyEnded("a"))
        }
        #expect(verdict.violations == [.heldAfterDeletion("a", for: .milliseconds(20))])
        #expect(verdict.margins == [.init("a", .milliseconds(-20))])
    }

    @Test(arguments: HistoryVerdict.Rule.allCases)
    func `A rule that is left out is not judged`(rule: HistoryVerdict.Rule) throws {
        func story(_ story: inout HistoryStory) throws {
            try story.enters("a", 10, at: 0)
            try story.enters("b", 9, at: 0)
            story.granted("a", 10, at: 1, until: 20)
            story.granted("b", 9, at: 2, until: 10)
            try story.deleted("b", at: 5)
            story.tell(15, .bodyEnded("b"))
            story.tell(16, .asked("c"))
            story.write(10, accepted: true, at: 17)
            story.write(9, accepted: true, at: 18)
            story.write(11, accepted: false, at: 19)
            story.tell(19, .nodeCreated(try story.node("nobody's")))
        }
        let all = Set(try verdict(story).violations.map(\.rule))
        #expect(all == Set(HistoryVerdict.Rule.allCases))
        var checker = HistoryChecker()
        checker.rules.remove(rule)
        #expect(Set(try verdict(by: checker, story).violations.map(\.rule)) == all.subtracting([rule]))
    }

    // MARK: Figures

    @Test func `The margins have a smallest and a middle, and are printed`() {
        var verdict = HistoryVerdict()
        verdict.margins = [3, -1, 7, 5].map { .init("w", .milliseconds($0 * 100)) }
        #expect(verdict.smallestMargin == .milliseconds(-100))
        #expect(verdict.medianMargin == .milliseconds(300))
        verdict.margins.append(.init("w", .milliseconds(400)))
        #expect(verdict.medianMargin == .milliseconds(400))
        verdict.violations = [.fifo("a", overtaking: "b")]
        #expect(
            verdict.description == """
                0 grants, violations: 1
                  a was granted the lock while b waited ahead of it
                5 cancellations, from the end of the body to the deletion of the node: at least -100 ms, median 400 ms
                """)
    }
}
