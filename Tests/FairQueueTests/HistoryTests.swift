import Testing

@testable import fair_queue

struct HistoryTests {
    @Test func aPlaceIsQueuedOnce() {
        var story = Story()
        story.queued(1, 10, at: 0, ahead: 3)
        story.queued(1, 10, at: 5, ahead: 0)
        story.queued(1, 11, at: 9, ahead: 2)
        #expect(story.history.events == [story.events[0], story.events[2]])
    }

    @Test func theFirstAcquisitionAfterAKillIsTheRecovery() {
        var story = Story()
        story.acquired(1, 10, at: 0)
        story.crashed(1, 10, killed: 10, gone: 12)
        story.acquired(2, 11, at: 40)
        story.acquired(3, 12, at: 50)
        var history = History()
        let recoveries = story.events.map { history.add($0)?.recovery }
        #expect(recoveries == [nil, nil, .milliseconds(30), nil])
    }

    @Test func eventsTravelBetweenProcesses() throws {
        var story = Story()
        story.turn(3, .max, queued: 0, acquired: 1, released: 2, round: 7)
        story.crashed(1, 10, killed: 10, gone: 12)
        story.cancelled(1, 10, at: 3, held: 2)
        story.add(2, at: 4, .failed("a \"quoted\"\nreason"))
        for event in story.events {
            let line = try event.line()
            #expect(!line.contains("\n"))
            #expect(try Event(line: line) == event)
        }
    }

    @Test func assignmentsTravelAsAnArgument() throws {
        let worker = Worker(number: 1, rounds: 3, hold: .microseconds(1500), patience: .seconds(60), crashRound: 2)
        let client = WorkerClient(connectString: "[::1]:2181/a b", sessionTimeout: .seconds(3), isQuiet: true)
        let copy = try Assignment(argument: Assignment(worker: worker, client: client, path: "/lock").argument())
        #expect(copy.worker.hold == .microseconds(1500))
        #expect(copy.worker.crashRound == 2)
        #expect(copy.client.connectString == "[::1]:2181/a b")
        #expect(copy.path == "/lock")
    }
}
