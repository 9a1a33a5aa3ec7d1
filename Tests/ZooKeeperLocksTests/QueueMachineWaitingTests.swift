import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct QueueMachineWaitingTests {
    private let gone = RequestFailure(.noNode)
    private let head = QueueMachine.Action.grant(Harness.own(5))

    /// Behind `other(1)`, nothing watched yet.
    private func approaching() -> Harness {
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(5)))
        harness.list(.success([Harness.other(1), Harness.name(5)]))
        return harness
    }

    // MARK: Armed

    @Test func thePredecessorAndTheOwnNodeAreWatched() {
        let harness = approaching()
        #expect(
            harness.actions.suffix(3) == [
                .watch(Harness.other(1), byExists: false), .watch(Harness.name(5), byExists: false),
                .look(step: harness.machine.step),
            ])
    }

    @Test func theDeletionOfTheHeadIsTheGrant() {
        var harness = Harness.waiting()
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [head])
    }

    @Test func aWaiterThatGaveUpIsNoGrant() {
        // `other(1)` may still be there.
        var harness = Harness.third()
        #expect(harness.send(.changed(Harness.other(2), .deleted)) == [.list(step: 2)])
        let actions = harness.list(.success([Harness.other(1), Harness.name(5)]))
        // It is watched already; and now it is known to be the head.
        #expect(actions.last == .look(step: 2))
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [head])
    }

    @Test func thePredecessorMayGoBeforeTheOwnNodeIsWatched() {
        var harness = approaching()
        #expect(harness.send(.watched(Harness.other(1), .failure(gone))) == [])
        #expect(!harness.isGranted)
        #expect(harness.send(.watched(Harness.name(5), .success(()))) == [head])
    }

    @Test func withoutTheOwnWatchAListingTells() {
        var harness = approaching()
        harness.send(.watched(Harness.other(1), .success(())))
        harness.send(.watched(Harness.name(5), .failure(RequestFailure(.tooManyWatches))))
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [.list(step: 2)])
        #expect(harness.list(.success([Harness.name(5)])).contains(head))
    }

    @Test func changedDataIsNoGrant() {
        var harness = Harness.waiting()
        let actions = harness.send(.changed(Harness.other(1), .dataChanged))
        #expect(actions == [.watch(Harness.other(1), byExists: false)])
        harness.send(.watched(Harness.other(1), .success(())))
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [head])
    }

    @Test func aReconnectDisarms() {
        var harness = Harness.waiting()
        #expect(harness.send(.suspended) == [])
        #expect(
            harness.send(.connected) == [
                .watch(Harness.other(1), byExists: false), .watch(Harness.name(5), byExists: false),
            ])
        // What the old watch still has to say is not worth a grant.
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [])
        #expect(harness.send(.watched(Harness.other(1), .failure(gone))) == [])
        #expect(harness.send(.watched(Harness.name(5), .success(()))) == [head])
    }

    @Test func theOwnNodeIsGoneAfterAReconnect() {
        var harness = Harness.waiting()
        harness.send(.suspended)
        harness.send(.connected)
        harness.send(.watched(Harness.other(1), .failure(gone)))
        let actions = harness.send(.watched(Harness.name(5), .failure(gone)))
        #expect(actions == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 2)])
    }

    // MARK: Who is ahead of the predecessor

    @Test func theLastHeadTellsThatThePredecessorIsTheHead() {
        var harness = Harness.third()
        #expect(harness.send(.changed(Harness.other(1), .deleted)) == [.look(step: 1)])
        let record = ParentData.ours(lastHead: ContenderName(Harness.other(1)))
        #expect(harness.send(.looked(step: 1, .success(record))) == [])
        #expect(harness.send(.changed(Harness.other(2), .deleted)) == [head])
    }

    @Test func thePredecessorMayGoWhileTheParentIsRead() {
        var harness = Harness.third()
        harness.send(.changed(Harness.other(1), .deleted))
        #expect(harness.send(.changed(Harness.other(2), .deleted)) == [])
        let record = ParentData.ours(lastHead: ContenderName(Harness.other(1)))
        #expect(harness.send(.looked(step: 1, .success(record))) == [head])
    }

    @Test func thePredecessorMayBeTheLastHead() {
        var harness = Harness.third()
        harness.send(.changed(Harness.other(1), .deleted))
        let record = ParentData.ours(lastHead: ContenderName(Harness.other(2)))
        #expect(harness.send(.looked(step: 1, .success(record))) == [head])
    }

    @Test(arguments: [
        ParentData.foreign, .ours(lastHead: nil), .ours(lastHead: ContenderName(Harness.other(0))),
    ]) func withoutWordAListingTells(_ data: ParentData) {
        var harness = Harness.third()
        harness.send(.changed(Harness.other(1), .deleted))
        #expect(harness.send(.looked(step: 1, .success(data))) == [.list(step: 2)])
    }

    @Test func aLocalPredecessorThatYieldsIsAGrant() {
        var harness = Harness.third()
        #expect(harness.send(.predecessorYielded(Harness.other(1))) == [])
        #expect(harness.send(.predecessorYielded(Harness.other(2))) == [head])
    }

    // MARK: The lease

    @Test func withoutAValidLeaseAProofComesFirst() {
        var harness = Harness.waiting()
        let actions = harness.send(.changed(Harness.other(1), .deleted), leaseIsValid: false)
        #expect(actions == [.prove(Harness.own(5), step: 2)])
        #expect(harness.send(.proved(step: 2, .success(()))) == [head])
    }

    @Test func aProofThatIsNotEnoughIsRepeated() {
        var harness = Harness.waiting()
        harness.send(.changed(Harness.other(1), .deleted), leaseIsValid: false)
        let actions = harness.send(.proved(step: 2, .success(())), leaseIsValid: false)
        #expect(actions == [.pause(.untilNextProof, step: 3)])
        #expect(harness.send(.paused(step: 3)) == [.prove(Harness.own(5), step: 4)])
        #expect(harness.send(.proved(step: 4, .success(()))) == [head])
    }

    @Test func aProofThatFindsNoNodeEntersAgain() {
        var harness = Harness.waiting()
        harness.send(.changed(Harness.other(1), .deleted), leaseIsValid: false)
        #expect(harness.send(.proved(step: 2, .failure(gone))).first == .create(prefix: "_c_\(Harness.uuid)-lock-"))
    }

    @Test func whoeverGivesUpWhileProvingLeaves() {
        var harness = Harness.waiting()
        harness.send(.changed(Harness.other(1), .deleted), leaseIsValid: false)
        #expect(harness.send(.giveUp(.cancelled)) == [.delete(Harness.name(5), recording: false)])
    }

    @Test func theEndOfTheLeaseIsALossAndTheNodeGoesWithTheRelease() {
        var harness = Harness.held()
        #expect(harness.send(.leaseEnded(.leaseExpired)) == [.lose(.leaseExpired)])
        #expect(harness.send(.leaseEnded(.leaseExpired)) == [])
        #expect(harness.send(.release) == [.delete(Harness.name(5), recording: false)])
    }

    @Test func expiryWhileHoldingLosesTheLease() {
        var harness = Harness.held()
        #expect(harness.send(.sessionEnded(.sessionExpired)) == [.lose(.sessionExpired), .end])
    }

    @Test func theHolderIsToldThatItsNodeIsGone() {
        var harness = Harness.held()
        #expect(harness.actions.last == .watch(Harness.name(5), byExists: false))
        harness.send(.watched(Harness.name(5), .success(())))
        #expect(harness.send(.changed(Harness.name(5), .deleted)) == [.lose(.nodeDeleted), .end])
    }

    @Test func theHolderLooksAfterItsNodeInEachConnection() {
        var harness = Harness.held()
        harness.send(.suspended)
        #expect(harness.send(.connected) == [.watch(Harness.name(5), byExists: false)])
        #expect(harness.send(.watched(Harness.name(5), .failure(gone))) == [.lose(.nodeDeleted), .end])
    }

    @Test func aParentThatMayBeAnotherOneIsLookedAtAgain() {
        var harness = Harness.waiting()
        harness.send(.looked(step: harness.machine.step, .success(.ours(lastHead: nil))))
        // In the meantime the path may be removed, and made by somebody with data of his own.
        harness.send(.sessionEnded(.sessionExpired))
        harness.enter()
        harness.create(.success(Harness.own(5)))
        let actions = harness.list(.success([Harness.other(1), Harness.name(5)]))
        #expect(actions.contains(.look(step: harness.machine.step)))
    }

    // MARK: What else may come

    @Test func predecessorThatMayNotBeReadIsWatchedByExists() {
        var harness = approaching()
        let actions = harness.send(.watched(Harness.other(1), .failure(RequestFailure(.notAuthorized))))
        #expect(actions == [.watch(Harness.other(1), byExists: true)])
    }

    @Test func tooManyWatchesLeavesTheQueue() {
        var harness = approaching()
        #expect(
            harness.send(.watched(Harness.other(1), .failure(RequestFailure(.tooManyWatches))))
                == [.delete(Harness.name(5), recording: false)])
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.failed(RequestFailure(.tooManyWatches), operation: "get")])
    }

    @Test func aWatchThatWasNotSetIsAskedForAgain() {
        var harness = approaching()
        let actions = harness.send(.watched(Harness.other(1), .failure(RequestFailure(.throttled))))
        #expect(actions == [.pause(.backOff(attempt: 1), step: 1)])
        #expect(harness.send(.paused(step: 1)) == [.watch(Harness.other(1), byExists: false)])
    }

    @Test func eventsOfOtherNodesAreIgnored() {
        var harness = Harness.waiting()
        #expect(harness.send(.changed(Harness.other(0), .deleted)) == [])
    }

    @Test func orderIsRightAcrossTheWrapOfTheNumber() {
        // Behind 2147483647 comes -2147483648.
        var harness = Harness()
        harness.enter()
        harness.create(.success(Harness.own(.min)))
        let actions = harness.list(.success([Harness.name(.min), Harness.other(.max)]))
        #expect(actions.contains(.watch(Harness.other(.max), byExists: false)))
    }
}
