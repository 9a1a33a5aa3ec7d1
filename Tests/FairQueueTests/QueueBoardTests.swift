import Testing
import ToolArguments

@testable import fair_queue

struct QueueBoardTests {
    private static let plan = Plan(workers: 4, rounds: 2, hold: .milliseconds(100), path: "/demo", crashRound: 1)
    private static let wide = Terminal.Size(columns: 100, rows: 40)

    private func board(_ plan: Plan = Self.plan, _ tell: (inout Story) -> Void) -> QueueBoard {
        var board = QueueBoard(plan)
        board.apply(.running(Message.Start(instant: Story.start, recoveryBound: .milliseconds(500))))
        var story = Story()
        tell(&story)
        var history = History()
        for event in story.events {
            if let entry = history.add(event) { board.apply(entry) }
        }
        for event in story.ensembleEvents { board.apply(event) }
        return board
    }

    private func text(
        _ board: QueueBoard,
        at time: Int,
        size: Terminal.Size = Self.wide,
        glyphs: Glyphs = .ascii
    ) -> [String] {
        board.frame(at: Story.instant(time), size: size, glyphs: glyphs).map(\.text)
    }

    @Test func rowsStandInTheOrderOfTheQueue() {
        let board = board {
            $0.queued(4, 40, at: 3)
            $0.queued(2, 20, at: 1)
            $0.queued(1, 10, at: 0)
            $0.acquired(1, 10, at: 2)
            $0.queued(3, 30, at: 4)
        }
        #expect(board.order.map(\.worker) == [1, 2, 3, 4])
        let lines = text(board, at: 152)
        #expect(lines[3].hasPrefix("  lock [1]  <-  queue [2][3][4]"))
        #expect(lines[5].hasPrefix("  [1]  holds        0.1 s   turn 1 of 2   ####"))
        #expect(lines[6].hasPrefix("  [2]  next         0.1 s"))
        #expect(lines[7].hasPrefix("  [3]  2 ahead      0.1 s"))
        #expect(lines[8].hasPrefix("  [4]  3 ahead"))
    }

    @Test func theBarOfTheHolderFills() {
        let board = board {
            $0.acquired(1, 10, at: 0)
        }
        func full(_ time: Int) -> Int { text(board, at: time)[5].count { $0 == "#" } }
        #expect(full(0) == 0)
        #expect(full(50) == 15)
        #expect(full(100) == 30)
        #expect(full(5000) == 30)
    }

    @Test func whoWaitsLongerHasTheLongerLine() {
        let board = board {
            $0.acquired(1, 10, at: 0)
            $0.queued(2, 20, at: 0)
            $0.queued(3, 30, at: 1000)
        }
        let lines = text(board, at: 2000)
        let lengths = lines[6...7].map { $0.count { $0 == "-" } }
        #expect(lengths == [30, 15])
    }

    @Test func aCrashIsShownUntilTheNextHolds() {
        var story = Story()
        story.acquired(1, 10, at: 0)
        story.queued(2, 20, at: 1)
        story.crashed(1, 10, killed: 50, gone: 51)
        let crashed = board { $0 = story }
        #expect(text(crashed, at: 300)[3].hasPrefix("  lock [1 x]  <-  queue [2]"))
        #expect(text(crashed, at: 300)[5].hasPrefix("  [2]  next"))
        #expect(text(crashed, at: 300).last?.contains("kill -9 of worker 1") == true)
        #expect(text(crashed, at: 300).contains("  turns 1x "))

        story.acquired(2, 20, at: 250)
        let recovered = board { $0 = story }
        #expect(text(recovered, at: 300)[3].hasPrefix("  lock [2]  <-"))
        #expect(text(recovered, at: 300).last == "  ok worker 2 had the lock 200 ms after the kill (bound 500 ms)")
        #expect(text(recovered, at: 300).contains("  turns 1x 2 "))
    }

    @Test func theLossOfTheLeaderIsShown() {
        let plan = Plan(workers: 2, rounds: 2, hold: .milliseconds(100), path: "/demo", leaderKillTurn: 1)
        var story = Story()
        story.queued(1, 10, at: 0)
        story.acquired(1, 10, at: 0)
        story.ensemble(2, at: 50, .leaderKilled)
        func last(at time: Int) -> String? { text(board(plan) { $0 = story }, at: time).last }
        // While the holder holds anyhow, nothing stands still.
        #expect(last(at: 90) == "  x kill -9 of the leader, member 2")
        story.released(1, 10, at: 100)
        #expect(last(at: 600) == "  x kill -9 of the leader, member 2; the queue stands still, 0.5 s")
        story.ensemble(3, at: 700, .leaderElected)
        #expect(last(at: 800) == "  x kill -9 of the leader, member 2; member 3 leads; the queue stands still, 0.7 s")
        story = Story()
        story.acquired(1, 10, at: 0)
        story.ensemble(2, at: 50, .leaderKilled)
        story.ensemble(3, at: 90, .leaderElected)
        #expect(last(at: 95) == "  ok member 3 leads")
        story.ensemble(2, at: 96, .memberRestarted)
        #expect(last(at: 97) == "  ok member 3 leads, member 2 is back")
        story.ensemble(2, at: 98, .memberFailed("no port"))
        #expect(last(at: 99) == "  x member 2: no port")
    }

    @Test func aHolderThatIsCutOffIsShown() {
        let plan = Plan(workers: 2, rounds: 2, hold: .milliseconds(100), path: "/demo", partitionRound: 1)
        var story = Story()
        story.queued(1, 10, at: 0)
        story.acquired(1, 10, at: 0)
        story.queued(2, 20, at: 1)
        // In the order in which things are learned, of workers and of members.
        var board = board(plan) { $0 = story }
        func tell(_ tell: (inout Story) -> Void) {
            var next = Story()
            tell(&next)
            for event in next.events { board.apply(History.Entry(event: event)) }
            for event in next.ensembleEvents { board.apply(event) }
        }
        tell { $0.ensemble(3, at: 100, .followerCutOff) }
        #expect(text(board, at: 150)[3].hasPrefix("  lock [1]  <-  queue [2]"))
        #expect(text(board, at: 600).last == "  x cut off: member 3, to which the holder is connected, 0.5 s")
        tell { $0.cancelled(1, 10, at: 1100) }
        #expect(text(board, at: 1300)[3].hasPrefix("  lock [1 x]  <-  queue [2]"))
        #expect(text(board, at: 1300).contains { $0.hasPrefix("  [1]  stopped      0.2 s") })
        #expect(
            text(board, at: 1300).last
                == "  x cut off: member 3, to which the holder is connected, 1.2 s; told to stop 1.0 s after the cut"
        )
        #expect(text(board, at: 1300).contains("  turns 1x "))
        tell { $0.gaveAway(2, 1, 10, stopped: 1100, at: 1512) }
        #expect(text(board, at: 1513)[3].hasPrefix("  lock [ ]  <-  queue [2]"))
        #expect(
            text(board, at: 1513).last == "  ok the lock of worker 1 was given away 412 ms after it had stopped"
        )
        tell { $0.ensemble(3, at: 1515, .partitionHealed) }
        #expect(text(board, at: 1520).last?.hasSuffix("; member 3 is back") == true)
        tell { $0.ensemble(3, at: 1530, .memberFailed("no answer")) }
        #expect(text(board, at: 1540).last == "  x member 3: no answer")
    }

    @Test func whoIsDoneStandsLast() {
        let board = board {
            $0.turn(1, 10, queued: 0, acquired: 1, released: 2, round: 2)
            $0.add(2, at: 3, .failed("no server"))
            $0.turn(3, 12, queued: 0, acquired: 4, released: 5, round: 1)
        }
        #expect(board.order.map(\.worker) == [3, 4, 2, 1])
        #expect(board.order.last?.state == .done)
        #expect(text(board, at: 10)[7].contains("failed") && text(board, at: 10)[7].contains("no server"))
    }

    @Test(arguments: [10, 20, 40, 80, 200], [Glyphs.unicode, .ascii])
    func noLineIsWiderThanTheWindow(_ columns: Int, _ glyphs: Glyphs) {
        var plan = Self.plan
        plan.path = "/a/very/long/path/with/広い文字/that/goes/on/and/on/and/on"
        let board = board(plan) {
            for turn in 0..<100 { $0.turn(2, Int64(turn), queued: turn, acquired: turn, released: turn) }
            $0.acquired(1, 1000, at: 200)
            $0.crashed(1, 1000, killed: 300, gone: 301)
            $0.queued(3, 1001, at: 200)
            $0.add(4, at: 400, .failed(String(repeating: "long ", count: 50)))
        }
        for line in board.frame(at: Story.instant(900), size: .init(columns: columns, rows: 24), glyphs: glyphs) {
            #expect(line.width < columns)
        }
        let strip = board.strip(80, glyphs).text
        #expect(strip.contains(glyphs.ellipsis) && strip.contains("1" + glyphs.cross))
    }

    @Test(arguments: [12, 13, 24, 60])
    func thePictureFitsTheWindow(_ rows: Int) {
        let board = board(Plan(workers: 40, rounds: 1)) {
            for worker in 1...40 { $0.queued(worker, Int64(worker), at: worker) }
        }
        let lines = text(board, at: 100, size: .init(columns: 80, rows: rows))
        #expect(lines.count < rows)
        #expect(lines.contains { $0.hasSuffix(" more") } == (rows < 51))
    }

    @Test func beforeTheRunItSaysWhatItWaitsFor() {
        var board = QueueBoard(Self.plan)
        board.apply(.startingServers(1))
        #expect(text(board, at: 0).last?.contains("starting a ZooKeeper server") == true)
        board.apply(.startingServers(3))
        #expect(text(board, at: 0).last?.contains("starting an ensemble of 3") == true)
        board.apply(.connecting)
        #expect(text(board, at: 0).last?.contains("connecting 4 workers") == true)
        let before = text(board, at: 0)
        board.beat += 1
        #expect(text(board, at: 0) != before)
    }

    @Test func zeroHoldDividesNothing() {
        let board = board(Plan(workers: 4, rounds: 1, hold: .zero)) {
            $0.acquired(1, 10, at: 0)
            $0.queued(2, 20, at: 0)
        }
        #expect(text(board, at: 0)[5].contains("holds"))
    }

    @Test func withoutColorsThereAreNoCodes() {
        var line = StyledLine("a", .bad)
        line.add("b", .worker(3))
        #expect(Painter(isColored: false).paint(line) == "ab")
        #expect(Painter(isColored: true).paint(line) == "\u{1b}[1;31ma\u{1b}[0m\u{1b}[35mb\u{1b}[0m")
    }
}
