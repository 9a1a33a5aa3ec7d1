import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// An entry into a queue where nobody else is expected.
@Suite struct QueueMachineVacancyTests {
    private let own = Harness.own(5)
    private let create = QueueMachine.Action.create(prefix: ContenderName.prefix(uuid: Harness.uuid))

    private func entered() -> Harness {
        var harness = Harness()
        let actions = harness.send(.enter(uuid: Harness.uuid, isConnected: true, isVacant: true))
        #expect(actions == [create])
        return harness
    }

    @Test func whoIsFirstNeedsNoListing() {
        var harness = entered()
        let actions = harness.send(.created(.success(own), isFirst: true))
        #expect(actions.contains(.grant(own)))
        #expect(!actions.contains { if case .list = $0 { true } else { false } })
        let released = harness.send(.release)
        #expect(released.contains(.delete(own.name, recording: false)))
        #expect(harness.machine.firstNode == own.name)
    }

    @Test func whoMayNotBeFirstListsAfterAll() {
        var harness = entered()
        let actions = harness.send(.created(.success(own)))
        #expect(actions == [.list(step: 1)])
        harness.list(.success([Harness.other(4), own.name]))
        guard case .waiting(let wait) = harness.machine.phase else {
            Issue.record("\(harness.machine.phase)")
            return
        }
        #expect(wait.predecessor.string == Harness.other(4))
        #expect(harness.machine.firstNode == nil)
    }

    @Test func aMissingParentIsMadeAndTheQueueListed() {
        var harness = entered()
        let missing = harness.send(.created(.failure(RequestFailure(.noNode))))
        #expect(missing == [.makeParents(step: 2)])
        let again = harness.send(.parentsMade(step: 2, .success(())))
        #expect(again == [create, .list(step: 3)])
    }

    @Test func aLostAnswerIsLookedFor() {
        var harness = entered()
        let actions = harness.send(.created(.failure(Harness.unknown)))
        #expect(actions == [.barrier(step: 2), .list(step: 2)])
    }

    /// Nobody waits for a listing of a queue that is left anyway.
    @Test(arguments: [true, false]) func whoGaveUpMeanwhileLeavesAtOnce(isFirst: Bool) {
        var harness = entered()
        let givenUp = harness.send(.giveUp(.cancelled))
        #expect(givenUp == [])
        let actions = harness.send(.created(.success(own), isFirst: isFirst))
        #expect(actions == [.delete(own.name, recording: false)])
        let ended = harness.send(.deleted(name: own.name, .success(())))
        #expect(ended == [.depart(.cancelled, nil), .end])
    }

    /// It is told who was ahead: the listing goes out along with the removal.
    @Test func whoRanOutOfTimeIsToldWhoWasAhead() {
        var harness = entered()
        harness.send(.giveUp(.timedOut))
        let actions = harness.send(.created(.success(own)))
        #expect(actions == [.list(step: QueueMachine.survey), .delete(own.name, recording: false)])
        harness.send(.listed(step: QueueMachine.survey, .success([Harness.other(4), own.name])))
        let ended = harness.send(.deleted(name: own.name, .success(())))
        #expect(ended == [.depart(.timedOut, .init(count: 1, head: Harness.other(4))), .end])
    }

    /// What is known of the queue in one session says nothing in the next one.
    @Test func onlyTheFirstEntryDoesWithout() {
        var harness = entered()
        harness.send(.sessionEnded(.sessionExpired))
        let actions = harness.send(.enter(uuid: "another", isConnected: true))
        #expect(actions.count == 2 && actions.last == .list(step: 2))
    }

    /// The own node was deleted by somebody while it was waited for.
    @Test func whoEntersAgainLists() {
        var harness = entered()
        harness.send(.created(.success(own)))
        let actions = harness.send(.listed(step: 1, .success([Harness.other(4)])))
        #expect(actions == [create, .list(step: 2)])
    }
}
