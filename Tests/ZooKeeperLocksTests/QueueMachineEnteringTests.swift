import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueMachineEnteringTests {
    @Test func entersInOneRoundTrip() {
        var harness = Harness()
        #expect(harness.enter() == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 1)])
        #expect(harness.create(.success(Harness.own(0))) == [])
        let granted = harness.list(.success([Harness.name(0)]))
        #expect(granted.contains(.grant(Harness.own(0))))
    }

    @Test func whatIsAskedWithoutAConnectionWaitsForOne() {
        // In the session, in order: the machine does not have to know, and cannot miss the news.
        var harness = Harness()
        #expect(harness.enter(isConnected: false) == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 1)])
        #expect(harness.send(.connected) == [])
    }

    @Test func theNewsOfTheConnectionMayComeFirst() {
        var harness = Harness()
        harness.send(.connected)
        #expect(!harness.enter(isConnected: false).isEmpty)
    }

    @Test func aClosedClientEndsTheWaitForTheNextSession() {
        var harness = Harness.waiting()
        harness.send(.sessionEnded(.sessionExpired))
        harness.send(.sessionEnded(.closed))
        #expect(harness.departures == [.failed(RequestFailure(.closed), operation: "acquire")])
        #expect(harness.isEnded)
    }

    /// A session is marked as ended before its observers are told: what is asked in between is refused at once.
    @Test(arguments: [ZooKeeperError.Code.sessionExpired, .closed])
    func anAnswerThatTellsOfTheEndIsNoReasonToFail(code: ZooKeeperError.Code) {
        var entering = Harness()
        entering.enter()
        entering.create(.failure(RequestFailure(code, wasNeverSent: true)))
        entering.list(.failure(RequestFailure(code, wasNeverSent: true)))
        #expect(entering.departures.isEmpty)
        var waiting = Harness.waiting()
        waiting.send(.suspended)
        waiting.send(.connected)
        waiting.send(.changed(Harness.other(1), .deleted))
        waiting.list(.failure(RequestFailure(code, wasNeverSent: true)))
        #expect(waiting.departures.isEmpty)
        #expect(waiting.send(.sessionEnded(.sessionExpired)) == [.awaitSession])
    }

    @Test func watchesThePredecessorOnly() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(7)))
        let actions = harness.list(.success([Harness.other(9), Harness.other(3), Harness.name(7), Harness.other(5)]))
        #expect(actions.contains(.watch(Harness.other(5), byExists: false)))
        guard case .tellPosition(_, let view) = actions.first else {
            return #expect(Bool(false), "no position: \(actions)")
        }
        #expect(view.ahead == 2)
        #expect(view.head.string == Harness.other(3))
    }

    @Test func passesOverChildrenThatAreNoContenders() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(7)))
        harness.list(.success(["-----", "config", "lock-12", "x-0000000001", Harness.name(7)]))
        #expect(harness.isGranted)
    }

    @Test func parentIsMadeOnlyWhenItIsMissing() {
        var harness = Harness()
        harness.enter()
        harness.create(.failure(RequestFailure(.noNode)))
        #expect(harness.list(.failure(RequestFailure(.noNode))) == [.makeParents(step: 2)])
        #expect(
            harness.send(.parentsMade(step: 2, .success(())))
                == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 3)])
    }

    @Test func aParentThatVanishesAgainAndAgainIsAnErrorAtLast() {
        var harness = Harness()
        harness.enter()
        for _ in 0...QueueMachine.maximumParentAttempts {
            #expect(harness.departures.isEmpty)
            harness.create(.failure(RequestFailure(.noNode)))
            harness.list(.failure(RequestFailure(.noNode)))
            harness.send(.parentsMade(step: harness.machine.step, .success(())))
        }
        #expect(harness.departures == [.failed(RequestFailure(.noNode), operation: "create")])
        #expect(harness.isEnded)
    }

    @Test(arguments: [
        Result<[String], RequestFailure>.success([Harness.other(1)]), .failure(RequestFailure(.noNode)),
    ])
    func ownNodeRemovedMeansEnterAgain(listed: Result<[String], RequestFailure>) {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        #expect(harness.list(listed) == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 2)])
        #expect(!harness.isGranted)
    }

    @Test func listUnknownKeepsThePlace() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.send(.suspended)
        #expect(harness.list(.failure(Harness.notSent)) == [.pause(.backOff(attempt: 1), step: 2)])
        #expect(harness.send(.connected) == [.list(step: 3)])
        harness.list(.success([Harness.name(5)]))
        #expect(harness.isGranted)
    }

    @Test func listThrottledIsAskedAgainAfterAPause() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        #expect(harness.list(.failure(RequestFailure(.throttled))) == [.pause(.backOff(attempt: 1), step: 2)])
        #expect(harness.send(.paused(step: 2)) == [.list(step: 3)])
    }

    @Test func listForbiddenRemovesTheOwnNodeAndFails() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        #expect(harness.list(.failure(RequestFailure(.notAuthorized))) == [.delete(Harness.name(5), recording: false)])
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.failed(RequestFailure(.notAuthorized), operation: "children")])
        #expect(harness.isEnded)
    }

    @Test func createNotExecutedIsTriedAgainWithoutRecovery() {
        var harness = Harness()
        harness.enter()
        harness.create(.failure(RequestFailure(.throttled)))
        let actions = harness.list(.failure(RequestFailure(.throttled)))
        #expect(actions == [.pause(.backOff(attempt: 1), step: 2)])
        #expect(harness.send(.paused(step: 2)).first == .create(prefix: "_c_\(Harness.uuid)-lock-"))
    }

    @Test func createForbiddenFails() {
        var harness = Harness()
        harness.enter()
        harness.create(.failure(RequestFailure(.notAuthorized)))
        harness.list(.success([]))
        #expect(harness.departures == [.failed(RequestFailure(.notAuthorized), operation: "create")])
        #expect(harness.isEnded)
    }

    @Test func usedUpNumbersAreALoudError() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(.max)))
        #expect(
            harness.list(.success([Harness.name(.max), Harness.other(.max)])) == [
                .delete(Harness.name(.max), recording: false)
            ])
        harness.send(.deleted(name: Harness.name(.max), .success(())))
        guard case .failed(let failure, _) = harness.departures.first else { return #expect(Bool(false)) }
        #expect(failure.code == .sequenceExhausted)
        #expect(!harness.isGranted)
    }

    @Test func expiryWhileWaitingEntersInTheNextSession() {
        var harness = Harness.waiting()
        #expect(harness.send(.sessionEnded(.sessionExpired)) == [.awaitSession])
        let uuid = "99999999-1111-2222-3333-444455556666"
        let actions = harness.send(.enter(uuid: uuid, isConnected: true))
        #expect(actions.first == .create(prefix: "_c_\(uuid)-lock-"))
        #expect(harness.departures.isEmpty)
    }

    @Test func aClosedClientEndsTheWait() {
        var harness = Harness.waiting()
        harness.send(.sessionEnded(.closed))
        #expect(harness.departures == [.failed(RequestFailure(.closed), operation: "acquire")])
        #expect(harness.isEnded)
    }
}
