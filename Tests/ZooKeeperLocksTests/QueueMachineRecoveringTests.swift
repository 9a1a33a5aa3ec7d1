import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// The answer to the create is lost.
@Suite struct QueueMachineRecoveringTests {
    /// The create was sent, the connection broke, and there is a new one.
    private func recovering() -> Harness {
        var harness = Harness()
        harness.enter()
        harness.send(.suspended)
        harness.create(.failure(Harness.unknown))
        #expect(harness.list(.failure(Harness.notSent)) == [.barrier(step: 2), .list(step: 2)])
        harness.send(.connected)
        return harness
    }

    private func node(_ czxid: Int64, isOurs: Bool = true) -> Result<(stat: Stat, isOurs: Bool), RequestFailure> {
        .success((Stat(czxid: czxid), isOurs))
    }

    @Test func theNodeThatWasMadeIsAdopted() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        #expect(harness.list(.success([Harness.name(5)])) == [.readNode(Harness.name(5), step: 3)])
        let actions = harness.send(.nodeRead(step: 3, node(77)))
        #expect(actions.contains(.grant(QueueMachine.Own(name: Harness.name(5), czxid: 77))))
    }

    @Test func noNodeMeansCreateAgainUnderTheSameName() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        #expect(
            harness.list(.success([Harness.other(1)])) == [.create(prefix: "_c_\(Harness.uuid)-lock-"), .list(step: 3)])
    }

    @Test func aListingWithoutTheBarrierProvesNothing() {
        var harness = recovering()
        harness.list(.success([Harness.other(1)]))
        #expect(
            harness.send(.barrierPassed(step: 2, .failure(Harness.unknown))) == [.pause(.backOff(attempt: 1), step: 3)])
        #expect(harness.send(.paused(step: 3)) == [.barrier(step: 4), .list(step: 4)])
    }

    @Test func anErrorOfTheBarrierIsAnAnswerToo() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .failure(RequestFailure(.noNode))))
        #expect(harness.list(.failure(RequestFailure(.noNode))).first == .create(prefix: "_c_\(Harness.uuid)-lock-"))
    }

    @Test func aNodeOfAnEarlierSessionIsNotAdopted() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        harness.list(.success([Harness.name(5)]))
        harness.send(.nodeRead(step: 3, node(77, isOurs: false)))
        #expect(!harness.isGranted)
        #expect(harness.isEnded)
    }

    @Test func ofTwoNodesTheEarlierIsKept() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        harness.list(.success([]))
        // The first create was executed after all, before the second.
        harness.create(.success(Harness.own(6)))
        let actions = harness.list(.success([Harness.name(5), Harness.name(6)]))
        #expect(actions == [.delete(Harness.name(6), recording: false), .readNode(Harness.name(5), step: 4)])
        let granted = harness.send(.nodeRead(step: 4, node(1005)))
        #expect(granted.contains(.grant(Harness.own(5))))
        // Asked for once more, and not to be taken for the removal of one that nobody is ahead of.
        #expect(granted.contains(.delete(Harness.name(6), recording: false)))
        #expect(harness.machine.firstNode == Harness.name(5))
        #expect(harness.send(.deleted(name: Harness.name(6), .success(()))) == [])
    }

    @Test func ofTwoNodesTheLaterIsRemoved() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        harness.list(.success([]))
        harness.create(.success(Harness.own(5)))
        let actions = harness.list(.success([Harness.name(5), Harness.name(6)]))
        #expect(actions.first == .delete(Harness.name(6), recording: false))
        #expect(actions.contains(.grant(Harness.own(5))))
    }

    @Test func givingUpMeanwhileRemovesWhatIsFound() {
        var harness = recovering()
        harness.send(.giveUp(.cancelled))
        harness.send(.barrierPassed(step: 2, .success(())))
        #expect(harness.list(.success([Harness.name(5)])) == [.delete(Harness.name(5), recording: false)])
        harness.send(.deleted(name: Harness.name(5), .success(())))
        #expect(harness.departures == [.cancelled])
        #expect(harness.isEnded)
    }

    @Test func givingUpMeanwhileLooksTwiceWhenNothingIsFound() {
        var harness = recovering()
        harness.send(.giveUp(.cancelled))
        harness.send(.barrierPassed(step: 2, .success(())))
        #expect(harness.list(.success([])) == [.pause(.untilStragglersAreGone, step: 3)])
        // A reconnect meanwhile does not make it any shorter.
        harness.send(.suspended)
        #expect(harness.send(.connected) == [])
        #expect(harness.send(.paused(step: 3)) == [.barrier(step: 4), .list(step: 4)])
        harness.send(.barrierPassed(step: 4, .success(())))
        harness.list(.success([]))
        #expect(harness.isEnded)
    }

    @Test func givingUpWhileTheAdoptedNodeIsReadRemovesIt() {
        var harness = recovering()
        harness.send(.barrierPassed(step: 2, .success(())))
        harness.list(.success([Harness.name(5)]))
        harness.send(.giveUp(.timedOut))
        #expect(harness.send(.nodeRead(step: 3, node(77))) == [.delete(Harness.name(5), recording: false)])
    }
}
