import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueMachineWaitingTests {
    @Test func aPredecessorThatWentIsNoGrant() {
        // It may have been a waiter that gave up.
        var harness = Harness.waiting()
        #expect(harness.send(.predecessorChanged(step: harness.machine.step, .deleted)) == [.list(step: 3)])
        #expect(!harness.isGranted)
        let actions = harness.list(.success([Harness.other(0), Harness.name(5)]))
        #expect(actions.last == .watchPredecessor(Harness.other(0), byExists: false, step: 4))
        #expect(!harness.isGranted)
    }

    @Test func theHeadIsGranted() {
        var harness = Harness.waiting()
        harness.send(.predecessorChanged(step: harness.machine.step, .deleted))
        #expect(harness.list(.success([Harness.name(5), Harness.other(6)])).last == .grant(Harness.own(5)))
    }

    @Test func changedDataIsNoGrant() {
        var harness = Harness.waiting()
        let actions = harness.send(.predecessorChanged(step: harness.machine.step, .dataChanged))
        #expect(actions == [.watchPredecessor(Harness.other(1), byExists: false, step: 3)])
    }

    @Test func predecessorGoneBeforeItsWatchMeansListAgain() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.list(.success([Harness.other(1), Harness.name(5)]))
        #expect(harness.send(.predecessorRead(step: 2, .failure(RequestFailure(.noNode)))) == [.list(step: 3)])
    }

    @Test func predecessorThatMayNotBeReadIsWatchedByExists() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.list(.success([Harness.other(1), Harness.name(5)]))
        let actions = harness.send(.predecessorRead(step: 2, .failure(RequestFailure(.notAuthorized))))
        #expect(actions == [.watchPredecessor(Harness.other(1), byExists: true, step: 3)])
    }

    @Test func tooManyWatchesLeavesTheQueue() {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.list(.success([Harness.other(1), Harness.name(5)]))
        #expect(
            harness.send(.predecessorRead(step: 2, .failure(RequestFailure(.tooManyWatches))))
                == [.delete(Harness.name(5))])
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.failed(RequestFailure(.tooManyWatches), operation: "get")])
    }

    @Test func anEventOfAnOlderWatchIsIgnored() {
        var harness = Harness.waiting()
        #expect(harness.send(.predecessorChanged(step: 1, .deleted)) == [])
    }

    @Test func aReconnectKeepsThePlaceAndTheWatch() {
        var harness = Harness.waiting()
        let step = harness.machine.step
        #expect(harness.send(.suspended) == [])
        #expect(harness.send(.connected) == [])
        #expect(harness.send(.predecessorChanged(step: step, .deleted)) == [.list(step: step + 1)])
    }

    @Test func expiryWhileHoldingLosesTheLease() {
        var harness = Harness.held()
        #expect(harness.send(.sessionEnded(.sessionExpired)) == [.lose(.sessionExpired), .end])
    }

    @Test func orderIsRightAcrossTheWrapOfTheNumber() {
        // Behind 2147483647 comes -2147483648.
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(.min)))
        let actions = harness.list(.success([Harness.name(.min), Harness.other(.max)]))
        #expect(actions.last == .watchPredecessor(Harness.other(.max), byExists: false, step: 2))
    }
}
