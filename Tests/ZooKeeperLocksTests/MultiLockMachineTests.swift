import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// Several queues at once: what the machine asks for, and when.
@Suite struct MultiLockMachineTests {
    typealias Machine = MultiLockMachine
    typealias Node = MultiLockMachine.Node

    private static let uuid = Harness.uuid
    private static let czxid: Int64 = 77

    private func nodes(_ sequences: [Int32]) -> [Node] {
        sequences.enumerated().map { Node(queue: $0, name: Harness.name($1)) }
    }

    /// Two queues, as number 5 in the one and 9 in the other; `ahead` of it stands `other(1)`.
    private func placed(ahead: Set<Int> = [], onlyIfAvailable: Bool = false) -> (Machine, [Machine.Action]) {
        var machine = entered(onlyIfAvailable: onlyIfAvailable)
        _ = machine.handle(.created(.success(.init(names: [Harness.name(5), Harness.name(9)]))))
        for (queue, sequence) in [Int32(5), 9].enumerated() {
            let names: [String] = (ahead.contains(queue) ? [Harness.other(1)] : []) + [Harness.name(sequence)]
            _ = machine.handle(.listed(step: 1, queue: queue, .success(QueueListing(names))))
        }
        let actions = machine.handle(.identified(step: 2, .success((Self.czxid, true))))
        return (machine, actions)
    }

    private func entered(onlyIfAvailable: Bool = false) -> Machine {
        var machine = Machine(count: 2, onlyIfAvailable: onlyIfAvailable)
        #expect(
            machine.handle(.enter(uuid: Self.uuid, isConnected: true)) == [.create(uuid: Self.uuid), .list(step: 1)])
        return machine
    }

    private func isGrant(_ action: Machine.Action) -> Bool { if case .grant = action { true } else { false } }

    @Test func allQueuesAreEnteredTogetherAndTheTokenIsAskedFor() {
        var machine = entered()
        #expect(machine.handle(.listed(step: 1, queue: 0, .success([Harness.name(5)]))) == [])
        let names = [Harness.name(5), Harness.name(9)]
        #expect(machine.handle(.created(.success(.init(names: names)))) == [])
        let asked = machine.handle(.listed(step: 1, queue: 1, .success([Harness.name(9)])))
        #expect(asked == [.identify(Node(queue: 0, name: names[0]), step: 2)])
        let actions = machine.handle(.identified(step: 2, .success((Self.czxid, true))))
        #expect(actions.last == .grant(nodes([5, 9]), czxid: Self.czxid))
        #expect(machine.isHeld)
    }

    @Test func ofOneLockTheAnswerTellsTheToken() {
        var machine = Machine(count: 1, onlyIfAvailable: false)
        _ = machine.handle(.enter(uuid: Self.uuid, isConnected: true))
        _ = machine.handle(.created(.success(.init(names: [Harness.name(5)], czxid: 7))))
        let actions = machine.handle(.listed(step: 1, queue: 0, .success([Harness.name(5)])))
        #expect(actions.last == .grant(nodes([5]), czxid: 7))
    }

    @Test func itIsGrantedAtTheHeadOfTheLastQueueOnly() {
        var (machine, actions) = placed(ahead: [0, 1])
        #expect(!actions.contains(where: isGrant))
        for queue in 0..<2 {
            _ = machine.handle(.inQueue(queue, .watched(Harness.other(1), .success(()))))
            _ = machine.handle(.inQueue(queue, .watched(Harness.name(queue == 0 ? 5 : 9), .success(()))))
        }
        actions = machine.handle(.inQueue(1, .changed(Harness.other(1), .deleted)))
        #expect(!actions.contains(where: isGrant) && machine.heads == [1])
        actions = machine.handle(.inQueue(0, .changed(Harness.other(1), .deleted)))
        #expect(actions.last == .grant(nodes([5, 9]), czxid: Self.czxid))
    }

    /// The lease is looked at when all are at the head, and not before.
    @Test func aLeaseThatIsNotValidIsProvenFirst() {
        var (machine, _) = placed(ahead: [0])
        _ = machine.handle(.inQueue(0, .watched(Harness.other(1), .success(()))))
        _ = machine.handle(.inQueue(0, .watched(Harness.name(5), .success(()))))
        _ = machine.handle(.inQueue(1, .watched(Harness.name(9), .success(()))))
        let asked = machine.handle(.inQueue(0, .changed(Harness.other(1), .deleted)), leaseIsValid: false)
        #expect(asked.last == .prove(nodes([5, 9]), step: 3))
        #expect(
            machine.handle(.proved(step: 3, .success(())), leaseIsValid: false).last == .pause(.untilNextProof, step: 4)
        )
        #expect(machine.handle(.paused(step: 4)) == [.prove(nodes([5, 9]), step: 5)])
        #expect(machine.handle(.proved(step: 5, .success(()))).last == .grant(nodes([5, 9]), czxid: Self.czxid))
    }

    /// Whoever stood at a queue's head before the connection was lost does not know that its node is still there.
    @Test func aHeadOfTheLastConnectionIsProvenFirst() {
        var (machine, _) = placed(ahead: [0])
        _ = machine.handle(.suspended)
        _ = machine.handle(.connected)
        _ = machine.handle(.inQueue(0, .watched(Harness.other(1), .success(()))))
        _ = machine.handle(.inQueue(0, .watched(Harness.name(5), .success(()))))
        let asked = machine.handle(.inQueue(0, .changed(Harness.other(1), .deleted)))
        #expect(asked.last == .prove(nodes([5, 9]), step: 3))
    }

    @Test func aMissingParentMeansThatAllAreMade() {
        var machine = entered()
        _ = machine.handle(.created(.failure(RequestFailure(.noNode, failedOperation: 0))))
        _ = machine.handle(.listed(step: 1, queue: 0, .failure(RequestFailure(.noNode))))
        let actions = machine.handle(.listed(step: 1, queue: 1, .success([])))
        #expect(actions == [.makeParents(step: 2)])
        #expect(machine.handle(.parentMade(step: 2, queue: 1, .success(()))) == [])
        #expect(
            machine.handle(.parentMade(step: 2, queue: 0, .success(()))) == [.create(uuid: Self.uuid), .list(step: 3)])
    }

    @Test func whatIsRefusedIsToldWithItsPath() {
        var machine = entered()
        let failure = RequestFailure(.notAuthorized, failedOperation: 1)
        _ = machine.handle(.created(.failure(failure)))
        _ = machine.handle(.listed(step: 1, queue: 0, .success([])))
        let actions = machine.handle(.listed(step: 1, queue: 1, .success([])))
        #expect(actions == [.depart(.failed(failure, operation: "create"), queue: 1, nil), .end])
    }

    // MARK: The answer is lost

    private func recovering() -> Machine {
        var machine = entered()
        _ = machine.handle(.suspended)
        _ = machine.handle(.created(.failure(Harness.unknown)))
        _ = machine.handle(.listed(step: 1, queue: 0, .failure(Harness.notSent)))
        let actions = machine.handle(.listed(step: 1, queue: 1, .failure(Harness.notSent)))
        #expect(actions == [.barrier(step: 2), .list(step: 2)])
        _ = machine.handle(.connected)
        _ = machine.handle(.barrierPassed(step: 2, .success(())))
        return machine
    }

    @Test func whatTheTransactionMadeIsFoundAgain() {
        var machine = recovering()
        _ = machine.handle(.listed(step: 2, queue: 0, .success([Harness.other(1), Harness.name(5)])))
        let actions = machine.handle(.listed(step: 2, queue: 1, .success([Harness.name(9)])))
        #expect(actions == [.identify(Node(queue: 0, name: Harness.name(5)), step: 3)])
        let placed = machine.handle(.identified(step: 3, .success((Self.czxid, true))))
        #expect(placed.contains { if case .inQueue(0, .watch) = $0 { true } else { false } })
        #expect(machine.heads == [1])
    }

    @Test func nothingFoundMeansAnotherTransactionUnderTheSameName() {
        var machine = recovering()
        _ = machine.handle(.listed(step: 2, queue: 0, .success([Harness.other(1)])))
        let actions = machine.handle(.listed(step: 2, queue: 1, .failure(RequestFailure(.noNode))))
        #expect(actions == [.create(uuid: Self.uuid), .list(step: 3)])
    }

    /// Somebody deleted one of them: no place is kept while another one is taken.
    @Test func aPartOfThemIsRemovedBeforeAllAreTakenAnew() {
        var machine = recovering()
        _ = machine.handle(.listed(step: 2, queue: 0, .success([Harness.name(5)])))
        let actions = machine.handle(.listed(step: 2, queue: 1, .success([])))
        #expect(actions == [.removeAll(nodes([5]), recording: [])])
        #expect(machine.handle(.removedAll(.success(()))) == [.create(uuid: Self.uuid), .list(step: 3)])
    }

    @Test func twoInAQueueAreBothRemoved() {
        var machine = recovering()
        _ = machine.handle(.listed(step: 2, queue: 0, .success([Harness.name(5), Harness.name(6)])))
        let actions = machine.handle(.listed(step: 2, queue: 1, .success([Harness.name(9), Harness.name(10)])))
        guard case .removeAll(let removed, [], _) = actions.first else { return #expect(Bool(false), "\(actions)") }
        #expect(removed.count == 4)
    }

    @Test func whoGaveUpMeanwhileLooksTwice() {
        var machine = recovering()
        #expect(machine.handle(.giveUp(.cancelled)) == [])
        _ = machine.handle(.listed(step: 2, queue: 0, .success([])))
        #expect(
            machine.handle(.listed(step: 2, queue: 1, .success([]))) == [.pause(.untilStragglersAreGone, step: 3)])
        #expect(machine.handle(.paused(step: 3)) == [.barrier(step: 4), .list(step: 4)])
        _ = machine.handle(.barrierPassed(step: 4, .success(())))
        _ = machine.handle(.listed(step: 4, queue: 0, .success([Harness.name(5)])))
        let actions = machine.handle(.listed(step: 4, queue: 1, .success([Harness.name(9)])))
        #expect(actions == [.removeAll(nodes([5, 9]), recording: [])])
        #expect(machine.handle(.removedAll(.success(()))) == [.depart(.cancelled, queue: nil, nil), .end])
    }

    // MARK: Places that are lost

    @Test func aPlaceThatIsLostIsGivenUpInAllQueues() {
        var (machine, _) = placed(ahead: [0, 1])
        for queue in 0..<2 {
            _ = machine.handle(.inQueue(queue, .watched(Harness.name(queue == 0 ? 5 : 9), .success(()))))
        }
        let actions = machine.handle(.inQueue(1, .changed(Harness.name(9), .deleted)))
        #expect(actions == [.barrier(step: 3), .list(step: 3)])
        #expect(machine.queues.isEmpty)
        // The machines of the queues are gone, and what they asked for is of no use to anybody.
        #expect(machine.handle(.inQueue(0, .changed(Harness.other(1), .deleted))) == [])
        _ = machine.handle(.barrierPassed(step: 3, .success(())))
        _ = machine.handle(.listed(step: 3, queue: 0, .success([Harness.other(1), Harness.name(5)])))
        let removal = machine.handle(.listed(step: 3, queue: 1, .success([Harness.other(1)])))
        #expect(removal == [.removeAll(nodes([5]), recording: [])])
        #expect(machine.handle(.removedAll(.success(()))) == [.create(uuid: Self.uuid), .list(step: 4)])
    }

    /// Neither lists nor watches: a placed machine cannot find another place by itself.
    @Test func theMachineOfOneQueueNeverEnters() {
        var machine = QueueMachine(onlyIfAvailable: false, isPlaced: true)
        let names = [Harness.other(1), Harness.name(5)]
        _ = machine.handle(.placed(Harness.own(5), uuid: Self.uuid, isConnected: true, .success(QueueListing(names))))
        _ = machine.handle(.watched(Harness.name(5), .success(())))
        #expect(machine.handle(.changed(Harness.name(5), .deleted)) == [.displaced])
        #expect(machine.isEnded)
        for event in [QueueMachine.Event.connected, .paused(step: machine.step), .ownNodeGone] {
            #expect(machine.handle(event) == [])
        }
    }

    @Test func theNextSessionTakesAllAnew() {
        var (machine, _) = placed(ahead: [0])
        #expect(machine.handle(.sessionEnded(.sessionExpired)) == [.awaitSession])
        let uuid = "11111111-2222-3333-4444-555555555555"
        #expect(machine.handle(.enter(uuid: uuid, isConnected: true)) == [.create(uuid: uuid), .list(step: 3)])
    }

    @Test func whoeverLosesOneWhileHoldingLosesAllAndStillRemovesTheRest() {
        var (machine, _) = placed()
        _ = machine.handle(.inQueue(0, .watched(Harness.name(5), .success(()))))
        #expect(machine.handle(.inQueue(0, .changed(Harness.name(5), .deleted))) == [.lose(.nodeDeleted)])
        #expect(machine.handle(.release) == [.removeAll(nodes([5, 9]), recording: [], first: [0, 1])])
        let singly = machine.handle(.removedAll(.failure(RequestFailure(.noNode, failedOperation: 0))))
        #expect(singly == [.remove(nodes([5, 9])[0]), .remove(nodes([5, 9])[1])])
        _ = machine.handle(.removed(nodes([5, 9])[0], .failure(RequestFailure(.noNode))))
        let end = machine.handle(.removed(nodes([5, 9])[1], .success(())))
        #expect(end == [.depart(.released, queue: nil, nil), .end])
    }

    // MARK: Leaving

    @Test func aReleaseThatHasNoAnswerIsMadeAgainOneByOne() {
        var (machine, _) = placed()
        let yields = nodes([5, 9]).map {
            Machine.Action.inQueue($0.queue, .yield(.init(name: $0.name, czxid: Self.czxid)))
        }
        #expect(machine.handle(.release) == yields + [.removeAll(nodes([5, 9]), recording: [], first: [0, 1])])
        #expect(machine.handle(.suspended) == [.depart(.released, queue: nil, nil)])
        #expect(machine.handle(.removedAll(.failure(Harness.unknown))).count == 1)
        #expect(machine.handle(.connected) == [.remove(nodes([5, 9])[0]), .remove(nodes([5, 9])[1])])
        _ = machine.handle(.removed(nodes([5, 9])[0], .failure(RequestFailure(.noNode))))
        #expect(machine.handle(.removed(nodes([5, 9])[1], .failure(RequestFailure(.noNode)))) == [.end])
    }

    @Test func oneThatIsTakenMeansThatAllAreGivenUp() {
        let (machine, actions) = placed(ahead: [1], onlyIfAvailable: true)
        #expect(actions.contains(.removeAll(nodes([5, 9]), recording: [], first: [0])))
        #expect(!actions.contains(where: isGrant))
        #expect(machine.departure == .unavailable && machine.culprit == 1)
    }

    @Test func aTimeoutTellsWhichQueueWasWaitedFor() {
        var (machine, _) = placed(ahead: [1])
        _ = machine.handle(.giveUp(.timedOut))
        let actions = machine.handle(.removedAll(.success(())))
        #expect(
            actions == [.depart(.timedOut, queue: 1, QueueView.Ahead(count: 1, head: Harness.other(1))), .end])
    }

    // MARK: Stripes

    @Test func stripesThatAreLaidOutOtherwiseAreRefused() {
        let layout = StripeLayout(count: 64)
        for found in [StripeLayout(count: 32), StripeLayout(count: 64, hash: "crc-32"), nil] {
            var machine = Machine(count: 1, onlyIfAvailable: false, layout: layout)
            let actions = machine.handle(.enter(uuid: Self.uuid, isConnected: true))
            #expect(actions == [.create(uuid: Self.uuid), .look(step: 1), .list(step: 1)])
            _ = machine.handle(.created(.success(.init(names: [Harness.name(5)], czxid: 7))))
            _ = machine.handle(.listed(step: 1, queue: 0, .success([Harness.name(5)])))
            #expect(
                machine.handle(.looked(step: 1, .success(found))) == [.removeAll(nodes([5]), recording: [])])
            #expect(machine.departure == .stripesDisagree(found: found))
        }
    }
}
