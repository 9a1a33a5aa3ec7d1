import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// What goes wrong.
extension World {
    mutating func plan(_ fault: Fault) {
        let mean: Int64? =
            switch fault {
            case .breakConnection: setting.breaks
            case .freeze: setting.freezes
            case .partition: setting.partitions
            case .crash: setting.crashes
            case .election: setting.elections
            case .deposition: setting.depositions
            case .abandonment: setting.abandonments
            case .scribble: setting.scribbles
            case .deletion: setting.deletions
            case .reaping: setting.reapings
            }
        if let mean { agenda.add(.fault(fault), at: now + random.waiting(mean: 2 * mean)) }
    }

    mutating func strike(_ fault: Fault) {
        guard !isQuiet else { return }
        plan(fault)
        let members = model.members.keys.sorted()
        switch fault {
        case .breakConnection:
            lose(random.below(clients.count))
        case .freeze:
            let number = random.below(clients.count)
            clients[number].frozenUntil = now + random.waiting(mean: setting.freezeLength)
            note("client \(number) hears nothing until \(clients[number].frozenUntil)")
        case .partition:
            guard model.cuts.isEmpty, let member = random.element(of: members) else { return }
            note("member \(member.number) is cut off")
            model.isolate(member)
            let length = max(setting.shortestPartition, random.waiting(mean: setting.partitionLength))
            agenda.add(.heal(fault, member), at: now + length)
        case .crash:
            guard members.allSatisfy({ model.members[$0]?.role != .down }), let member = random.element(of: members)
            else { return }
            note("member \(member.number) crashes")
            model.crash(member)
            agenda.add(.heal(fault, member), at: now + random.waiting(mean: setting.crashLength))
        case .election:
            guard let leader = members.first(where: { model.members[$0]?.leadership != nil }) else { return }
            note("the leader \(leader.number) steps down")
            model.leave(leader)
        case .deposition:
            // The others have noticed, by connections that ended; the leader has not.
            guard model.cuts.isEmpty, let leader = members.first(where: { model.members[$0]?.leadership != nil }) else {
                return
            }
            note("the leader \(leader.number) is cut off, and the others look for another")
            model.isolate(leader)
            for member in members where member != leader { model.leave(member) }
            govern(again: false)
            agenda.add(.heal(.partition, leader), at: now + random.waiting(mean: setting.partitionLength))
        case .abandonment:
            let number = random.below(clients.count)
            if clients[number].session != 0 { endSession(number) }
        case .scribble:
            guard let name = random.element(of: judge.contenderNames.keys.sorted()) else { return }
            byHand(.set(Self.path.appending(unchecked: name), data: [1], version: nil))
        case .deletion:
            guard let name = random.element(of: judge.contenderNames.keys.sorted()) else { return }
            judge.deletedByHand.insert(name)
            byHand(.delete(Self.path.appending(unchecked: name), version: nil))
        case .reaping:
            // As a server does it: not one that has just been made, and that nobody has come to yet.
            if judge.contenderNames.isEmpty, judge.hasHadChildren { byHand(.delete(Self.path, version: nil)) }
        }
    }

    mutating func heal(_ fault: Fault, _ member: MemberID) {
        switch fault {
        case .partition:
            note("all members reach each other again")
            lastStall = now
            model.heal()
        case .crash:
            note("member \(member.number) runs again")
            model.restart(member)
        default: break
        }
    }

    /// Members without a leader look for one.
    mutating func govern() {
        govern(again: true)
    }

    private mutating func govern(again: Bool) {
        if again { agenda.add(.govern, at: now + 100 + random.within(0...100)) }
        for member in model.members.keys.sorted() where model.members[member]?.role == .looking {
            if !model.join(member), model.elect(member) { note("member \(member.number) leads") }
        }
    }

    /// No more faults from now on.
    mutating func calm() {
        note("no more faults")
        isQuiet = true
        model.heal()
        for member in model.members.keys.sorted() { model.restart(member) }
        for number in clients.indices { clients[number].frozenUntil = 0 }
    }

    /// A program that knows nothing of locks does something.
    private mutating func byHand(_ request: ServerRequest) {
        guard let leader = model.members.keys.sorted().first(where: { model.members[$0]?.leadership != nil }),
            let hand = model.open(with: leader)
        else { return }
        note("somebody wants \(request)")
        model.send(.connect(session: 0, timeout: 2000, lastZxid: 0), on: hand)
        hands[hand] = request
    }

    /// What arrives for the program that knows nothing of locks.
    mutating func receive(_ packet: ServerPacket, byHand hand: ConnectionID) {
        guard case .connected = packet, let request = hands.removeValue(forKey: hand) else {
            return model.breakConnection(hand)
        }
        model.send(.request(number: 1, request), on: hand)
    }
}
