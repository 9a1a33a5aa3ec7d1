import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueMachineLeavingTests {
    @Test func releaseDeletesExactlyTheOwnNode() {
        var harness = Harness.held()
        #expect(harness.send(.release) == [.yield(Harness.own(5)), .delete(Harness.name(5), recording: false)])
        #expect(
            harness.send(.deleted(name: Harness.name(5), .success(()))) == [
                .depart(.released, harness.machine.lastLook), .end,
            ])
    }

    @Test func whoeverHadToWaitLeavesWordInAParentOfOurs() {
        for (data, recording) in [(ParentData.ours(lastHead: nil), true), (.foreign, false)] {
            var harness = Harness.waiting()
            harness.send(.looked(step: 1, .success(data)))
            harness.send(.changed(Harness.other(1), .deleted))
            #expect(harness.send(.release).last == .delete(Harness.name(5), recording: recording))
        }
    }

    @Test func whereNoWordMayBeLeftTheNodeGoesAllTheSame() {
        var harness = Harness.waiting()
        harness.send(.looked(step: 1, .success(.ours(lastHead: nil))))
        harness.send(.changed(Harness.other(1), .deleted))
        harness.send(.release)
        let refused = RequestFailure(.notAuthorized, failedOperation: 1)
        #expect(
            harness.send(.deleted(name: Harness.name(5), .failure(refused)))
                == [.delete(Harness.name(5), recording: false)])
    }

    @Test func aSecondReleaseDoesNothing() {
        var harness = Harness.held()
        harness.send(.release)
        #expect(harness.send(.release) == [])
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.send(.release) == [])
    }

    @Test func anUnknownOutcomeOfTheReleaseIsFinishedAfterTheReconnect() {
        var harness = Harness.held()
        harness.send(.release)
        #expect(harness.send(.suspended) == [.depart(.released, harness.machine.lastLook)])
        #expect(
            harness.send(.deleted(name: Harness.name(5), .failure(Harness.unknown))) == [
                .pause(.backOff(attempt: 1), step: 1)
            ])
        #expect(harness.send(.connected) == [.delete(Harness.name(5), recording: false)])
        // It was deleted the first time already.
        #expect(harness.send(.deleted(name: Harness.name(5), .failure(RequestFailure(.noNode)))) == [.end])
    }

    @Test func aReleaseWithoutConnectionIsMadeUpFor() {
        var harness = Harness.held()
        harness.send(.suspended)
        // The request waits for the connection; whoever releases does not.
        #expect(
            harness.send(.release) == [
                .yield(Harness.own(5)), .delete(Harness.name(5), recording: false),
                .depart(.released, harness.machine.lastLook),
            ])
    }

    @Test func aReleaseThatIsNotAllowedIsReported() {
        var harness = Harness.held()
        harness.send(.release)
        let actions = harness.send(.deleted(name: Harness.name(5), .failure(RequestFailure(.notAuthorized))))
        #expect(actions.first == .leaveBehind(Harness.name(5), RequestFailure(.notAuthorized)))
        #expect(harness.isEnded)
    }

    @Test(arguments: [QueueMachine.Departure.timedOut, .cancelled])
    func aWaiterThatGivesUpLeavesNoNode(reason: QueueMachine.Departure) {
        var harness = Harness.waiting()
        #expect(harness.send(.giveUp(reason)).last == .delete(Harness.name(5), recording: false))
        #expect(harness.departures.isEmpty)
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [reason])
        #expect(harness.isEnded)
    }

    @Test func whoLostTheLockDoesNotEnterAgainInTheNextSession() {
        var harness = Harness()
        harness.enter()
        harness.send(.suspended)
        harness.create(.failure(Harness.unknown))
        harness.list(.failure(Harness.notSent))
        harness.send(.connected)
        harness.send(.barrierPassed(step: harness.machine.step, .success(())))
        harness.list(.success([]))
        harness.create(.success(Harness.own(5)))
        // The answer to the first create was lost, and it made a node after all: that is still being removed.
        harness.list(.success([Harness.name(5), Harness.name(6)]))
        harness.send(.watched(Harness.name(5), .success(())))
        #expect(harness.isGranted)
        #expect(harness.actions.contains(.delete(Harness.name(6), recording: false)))
        #expect(harness.send(.changed(Harness.name(5), .deleted)).contains(.lose(.nodeDeleted)))
        #expect(!harness.send(.sessionEnded(.sessionExpired)).contains(.awaitSession))
        #expect(harness.isEnded)
    }

    @Test func aTimeoutTellsHowManyAreAheadNow() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.list(.success([Harness.other(1), Harness.other(2), Harness.name(5)]))
        #expect(harness.send(.giveUp(.timedOut)) == [.list(step: -1), .delete(Harness.name(5), recording: false)])
        harness.send(.listed(step: -1, .success([Harness.other(2), Harness.name(5)])))
        let actions = harness.send(.deleted(name: Harness.name(5), .success(())))
        guard case .depart(.timedOut, let ahead) = actions.first else { return #expect(Bool(false), "\(actions)") }
        #expect(ahead?.count == 1)
    }

    @Test func givingUpBeforeTheCreateIsAnsweredWaitsForTheAnswer() {
        var harness = Harness()
        harness.enter()
        #expect(harness.send(.giveUp(.cancelled)) == [])
        harness.create(.success(Harness.own(5)))
        #expect(harness.list(.success([Harness.name(5)])) == [.delete(Harness.name(5), recording: false)])
        #expect(!harness.isGranted)
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.cancelled])
    }

    @Test func whoeverGivesUpIsNotHeldUpByALostConnection() {
        var harness = Harness.waiting()
        harness.send(.giveUp(.cancelled))
        #expect(harness.send(.suspended).contains(.depart(.cancelled, harness.machine.lastLook)))
        harness.send(.deleted(name: Harness.name(5), .failure(Harness.unknown)))
        #expect(harness.send(.connected) == [.delete(Harness.name(5), recording: false)])
        #expect(harness.departures == [.cancelled])
    }

    @Test func patienceEndsTheWaitForTheCleanUpButNotTheCleanUp() {
        var harness = Harness.waiting()
        harness.send(.giveUp(.cancelled))
        harness.send(.patienceEnded)
        #expect(harness.departures == [.cancelled])
        #expect(!harness.machine.isEnded)
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.cancelled])
        #expect(harness.isEnded)
    }

    @Test func patienceEndsOnlyTheWaitOfThoseWhoGaveUp() {
        var harness = Harness.held()
        #expect(harness.send(.patienceEnded) == [])
    }

    @Test func givingUpBeforeThereIsASessionEndsAtOnce() {
        var harness = Harness()
        harness.send(.giveUp(.cancelled))
        #expect(harness.departures == [.cancelled])
        #expect(harness.enter() == [.end])
    }

    @Test func aGrantWins() {
        var harness = Harness.held()
        #expect(harness.send(.giveUp(.timedOut)) == [])
        #expect(harness.departures.isEmpty)
    }

    @Test func onlyIfAvailableLeavesRatherThanWait() {
        var harness = Harness(onlyIfAvailable: true)
        harness.enter()
        harness.create(.success(Harness.own(5)))
        #expect(
            harness.list(.success([Harness.other(1), Harness.name(5)])).last
                == .delete(Harness.name(5), recording: false))
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.unavailable])
        #expect(harness.isEnded)
    }

    @Test func expiryFinishesACleanUp() {
        var harness = Harness.waiting()
        harness.send(.giveUp(.cancelled))
        harness.send(.sessionEnded(.sessionExpired))
        #expect(harness.departures == [.cancelled])
        #expect(harness.isEnded)
    }
}
