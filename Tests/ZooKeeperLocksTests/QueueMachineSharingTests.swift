import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// Several that hold together, event by event.
@Suite struct QueueMachineSharingTests {
    private let gone = RequestFailure(.noNode)

    private func name(_ number: Int, _ claim: Claim, isOwn: Bool = false) -> String {
        let uuid = isOwn ? Harness.uuid : "00000000-0000-0000-0000-000000000000"
        return ContenderName.prefix(uuid: uuid, claim: claim) + "000000000\(number)"
    }

    /// Number 5, behind those; the parent has been read.
    private func entered(_ policy: QueuePolicy, behind names: [String], followedBy: [String] = []) -> Harness {
        var harness = Harness()
        harness.machine = QueueMachine(onlyIfAvailable: false, policy: policy)
        harness.enter()
        let own = name(5, policy.claim, isOwn: true)
        harness.create(.success(.init(name: own, czxid: 1005)))
        if let permits = policy.permits {
            let step = harness.machine.step
            harness.send(.looked(step: step, .success(.ours(lastHead: nil, permits: permits))))
        }
        harness.list(.success(names + [own] + followedBy))
        return harness
    }

    // MARK: Permits

    private let single = Claim.permits(1)
    private let policy = QueuePolicy.permits(1, of: 2)

    @Test func thePermitsAreComparedOnEntry() {
        var harness = Harness()
        harness.machine = QueueMachine(onlyIfAvailable: false, policy: policy)
        #expect(
            harness.enter().map { $0 } == [
                .create(prefix: "_c_\(Harness.uuid)-permits-1-"), .look(step: 1), .list(step: 1),
            ])
        let own = name(5, single, isOwn: true)
        harness.create(.success(.init(name: own, czxid: 1005)))
        harness.send(.looked(step: 1, .success(.ours(lastHead: nil, permits: 3))))
        #expect(harness.list(.success([own])) == [.delete(own, recording: false)])
        harness.send(.deleted(name: own, .success(())))
        #expect(harness.departures == [.disagrees(found: 3)])
        #expect(!harness.isGranted)
    }

    @Test func theFrontWatchesAllWhoComeAndGo() {
        let holders = [name(1, single), name(2, single)]
        var harness = entered(policy, behind: holders)
        #expect(harness.actions.last == .listAndWatch(step: 2))
        let own = name(5, single, isOwn: true)
        #expect(
            harness.list(.success(holders + [own])).contains { if case .listAndWatch = $0 { true } else { false } }
                == false)
        // Anything may have happened: a list tells, and sets no watch that would be left behind.
        #expect(harness.send(.changed(QueueMachine.everybody, .childrenChanged)) == [.list(step: 3)])
        harness.list(.success([holders[0], own]))
        #expect(harness.isGranted)
    }

    @Test func whoeverIsBehindTheFrontWatchesTheOneAhead() {
        let ahead = [name(1, single), name(2, single), name(3, single)]
        let own = name(5, single, isOwn: true)
        var harness = entered(policy, behind: ahead)
        #expect(harness.actions.last == .watch(ahead[2], byExists: false))
        // What happened before the watch was set has no event.
        #expect(harness.send(.watched(ahead[2], .success(()))) == [.list(step: 2)])
        harness.list(.success(ahead + [own]))
        // Poked: that one has its permit.
        #expect(harness.send(.changed(ahead[2], .dataChanged)) == [.list(step: 3)])
        let actions = harness.list(.success([ahead[1], ahead[2], own]))
        #expect(actions.last == .listAndWatch(step: 4))
    }

    @Test func whoeverIsGrantedPokesWhereSomebodyIsBehind() {
        let own = name(5, single, isOwn: true)
        #expect(!entered(policy, behind: []).actions.contains(.poke(own)))
        var harness = entered(policy, behind: [], followedBy: [name(6, single)])
        #expect(harness.isGranted)
        #expect(harness.actions.last == .poke(own))
        // Until it is acknowledged.
        let pause = harness.send(.poked(own, .failure(Harness.unknown)))
        #expect(pause == [.pause(.backOff(attempt: 1), step: 1)])
        harness.send(.suspended)
        #expect(harness.send(.connected) == [.poke(own)])
        #expect(harness.send(.poked(own, .success(()))) == [.watch(own, byExists: false)])
    }

    @Test func aNodeThatMayNotBePokedIsReported() {
        let own = name(5, single, isOwn: true)
        var harness = entered(policy, behind: [], followedBy: [name(6, single)])
        let refusal = RequestFailure(.notAuthorized)
        #expect(
            harness.send(.poked(own, .failure(refusal))) == [.cannotPoke(own, refusal), .watch(own, byExists: false)])
    }

    // MARK: Readers

    @Test func aReaderIsGrantedWhenTheOnlyWriterGoes() {
        let writer = name(1, .write)
        var harness = entered(.read, behind: [writer, name(2, .read)])
        harness.send(.watched(writer, .success(())))
        harness.send(.watched(name(5, .read, isOwn: true), .success(())))
        #expect(harness.send(.changed(writer, .deleted)).contains { if case .grant = $0 { true } else { false } })
    }

    @Test func aWriterListsWhenAWriterGoes() {
        let writer = name(1, .write)
        var harness = entered(.write, behind: [writer])
        harness.send(.watched(writer, .success(())))
        harness.send(.watched(name(5, .write, isOwn: true), .success(())))
        #expect(harness.send(.changed(writer, .deleted)) == [.list(step: 2)])
        // It is a reader by now.
        let actions = harness.list(.success([name(1, .read), name(5, .write, isOwn: true)]))
        #expect(!harness.isGranted)
        #expect(actions.contains(.watch(name(1, .read), byExists: false)))
    }

    @Test func aReaderThatLeavesSaysNothingOfThoseAhead() {
        var harness = entered(.read, behind: [name(1, .read)])
        #expect(harness.isGranted)
        #expect(harness.send(.release) == [.delete(name(5, .read, isOwn: true), recording: false)])
    }

    // MARK: Downgrade

    private var writer: String { name(5, .write, isOwn: true) }
    private var reader: String { name(5, .read, isOwn: true) }

    @Test func aWriterBecomesAReader() {
        var harness = entered(.write, behind: [])
        harness.send(.watched(writer, .success(())))
        #expect(harness.send(.downgrade) == [.replace(writer, with: reader)])
        // That its node goes is no loss.
        #expect(harness.send(.changed(writer, .deleted)) == [])
        #expect(harness.send(.nodeGone(writer)) == [])
        let own = QueueMachine.Own(name: reader, czxid: 1005)
        #expect(
            harness.send(.replaced(reader, .success(()))) == [
                .tellDowngrade(.success(own)), .watch(reader, byExists: false),
            ])
        #expect(harness.machine.stake == .init(own: own, isHeld: true))
        // A proof of before the answer.
        #expect(harness.send(.nodeGone(writer)) == [])
        #expect(harness.send(.nodeGone(reader)) == [.lose(.nodeDeleted), .end])
    }

    @Test func aLostAnswerToADowngradeIsAskedForAgain() {
        var harness = entered(.write, behind: [])
        harness.send(.downgrade)
        harness.send(.suspended)
        harness.send(.replaced(reader, .failure(Harness.unknown)))
        let actions = harness.send(.connected)
        #expect(actions.contains(.replace(writer, with: reader)))
        // It was executed.
        harness.send(.replaced(reader, .failure(RequestFailure(.nodeExists))))
        #expect(harness.actions.contains(.tellDowngrade(.success(.init(name: reader, czxid: 1005)))))
    }

    @Test func aReleaseDuringADowngradeLeavesNeitherNode() {
        var harness = entered(.write, behind: [])
        harness.send(.downgrade)
        let actions = harness.send(.release)
        // Nobody may be let in ahead of the servers: the reader's node may be there, and in the way.
        #expect(!actions.contains { if case .yield = $0 { true } else { false } })
        #expect(actions.contains(.delete(writer, recording: false)))
        #expect(actions.contains(.delete(reader, recording: false)))
        #expect(actions.contains(.tellDowngrade(.failure(RequestFailure(.noNode)))))
        harness.send(.deleted(name: reader, .failure(gone)))
        #expect(!harness.isEnded)
        harness.send(.deleted(name: writer, .success(())))
        #expect(harness.isEnded)
    }

    @Test func aRefusedDowngradeKeepsTheWriteLock() {
        var harness = entered(.write, behind: [])
        harness.send(.downgrade)
        let refusal = RequestFailure(.notAuthorized)
        let actions = harness.send(.replaced(reader, .failure(refusal)))
        #expect(actions.first == .tellDowngrade(.failure(refusal)))
        #expect(harness.machine.policy == .write)
        // What was to be replaced may be gone: it is looked at.
        #expect(actions.last == .watch(writer, byExists: false))
        #expect(harness.send(.watched(writer, .failure(gone))) == [.lose(.nodeDeleted), .end])
    }
}
