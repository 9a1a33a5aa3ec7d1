import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueMachineRevokingTests {
    private let request = RevocationRequest(host: "ops", pid: 1, reason: "please")

    @Test func aHolderThatIsAskedTellsAndWatchesOn() {
        var harness = Harness.held()
        harness.send(.watched(Harness.name(5), .success(())))
        #expect(
            harness.send(.changed(Harness.name(5), .dataChanged)) == [.watch(Harness.name(5), byExists: false)])
        #expect(harness.send(.revocationRequested(Harness.name(5), request)) == [.tellRevocation(request)])
        #expect(harness.send(.watched(Harness.name(5), .success(()))) == [])
    }

    @Test func theSameRequestReadAgainIsToldOnce() {
        var harness = Harness.held()
        harness.send(.revocationRequested(Harness.name(5), request))
        harness.send(.suspended)
        harness.send(.connected)
        #expect(harness.send(.revocationRequested(Harness.name(5), request)) == [])
        let other = RevocationRequest(host: "ops", pid: 2)
        #expect(harness.send(.revocationRequested(Harness.name(5), other)) == [.tellRevocation(other)])
    }

    @Test func aWaiterIsToldWhenItHolds() {
        var harness = Harness.waiting()
        #expect(harness.send(.revocationRequested(Harness.name(5), request)) == [])
        let actions = harness.send(.changed(Harness.other(1), .deleted))
        #expect(actions.first == .grant(Harness.own(5)))
        #expect(actions.dropFirst().first == .tellRevocation(request))
    }

    @Test func aRequestToANodeThatIsGoneIsNotForTheNextOne() {
        var harness = Harness.waiting()
        harness.send(.revocationRequested(Harness.name(5), request))
        harness.send(.changed(Harness.name(5), .deleted))
        harness.create(.success(Harness.own(6)))
        harness.list(.success([Harness.name(6)]))
        #expect(harness.isGranted)
        #expect(!harness.actions.contains(.tellRevocation(request)))
    }

    @Test func whoHasLostTheLockIsNotAsked() {
        var harness = Harness.held()
        harness.send(.leaseEnded(.leaseExpired))
        #expect(harness.send(.revocationRequested(Harness.name(5), request)) == [])
        harness.send(.release)
        #expect(harness.send(.revocationRequested(Harness.name(5), request)) == [])
    }
}
