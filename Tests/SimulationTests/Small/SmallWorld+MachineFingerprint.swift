import ZooKeeper

@testable import ZooKeeperLocks

/// The part of a state's fingerprint that is about its contenders and their machines.
extension SmallWorld {
    func add(_ contestant: SmallContestant, to print: inout Fingerprint) {
        var flags: UInt64 = 0
        for flag in [
            contestant.hasEntered, contestant.isOver, contestant.isInBody, contestant.isLost, contestant.hasEndedBody,
            contestant.hasDeparted,
        ] { flags = flags << 1 | (flag ? 1 : 0) }
        print.add(flags)
        guard contestant.hasEntered, !contestant.isOver else { return }
        if let own = contestant.own { add(own, to: &print) } else { print.add(1) }
        let machine = contestant.machine
        var pauses: UInt64 = 0
        for (step, pause) in contestant.pauses {
            var one = print.fresh
            one.add(step == machine.step)
            switch pause {
            case .backOff: one.add(1)
            case .untilStragglersAreGone: one.add(2)
            case .untilNextProof: one.add(3)
            }
            pauses &+= one.value
        }
        print.add(pauses)
        for inquiry in contestant.untold { add(inquiry.joinable ?? "", to: &print) }
        add(machine, to: &print)
    }

    private func add(_ machine: QueueMachine, to print: inout Fingerprint) {
        add(machine.phase, to: &print)
        print.add(machine.isConnected)
        print.add(machine.parentAttempts)
        switch machine.departure {
        case nil: print.add(0)
        case .released: print.add(1)
        case .timedOut: print.add(2)
        case .cancelled: print.add(3)
        case .unavailable: print.add(4)
        case .failed: print.add(5)
        case .disagrees, .stripesDisagree: print.add(6)
        }
        print.add(machine.hasDeparted)
        print.add(machine.hasWaited)
        print.add(machine.mayHaveTwoNodes)
        if vacancyRules != nil {
            print.add(machine.isVacant)
            if let name = machine.firstNode { add(name, to: &print) } else { print.add(1) }
        }
        print.add(machine.parentIsOurs.map { $0 ? 1 : 2 } ?? 3)
        if machine.policy.claim != .exclusive {
            print.add(machine.policy.claim == .read ? 1 : 2)
            print.add(machine.parentPermits == nil)
            print.add(machine.poke.map { $0 == .due ? 1 : 2 } ?? 3)
            print.add(machine.replacement.map { $0.isUnderway ? 1 : 2 } ?? 3)
        }
        var sum: UInt64 = 0
        for (name, removal) in machine.strays {
            var one = print.fresh
            add(name, to: &one)
            one.add(removal.isUnderway)
            one.add(removal.recording)
            sum &+= one.value
        }
        machine.watches.forEach { name, progress in
            var one = print.fresh
            add(name, to: &one)
            switch progress {
            case .asked(let byExists): one.add(byExists ? 11 : 12)
            case .set: one.add(13)
            case .refused: one.add(14)
            }
            sum &+= one.value
        }
        print.add(sum)
    }

    private func add(_ phase: QueueMachine.Phase, to print: inout Fingerprint) {
        switch phase {
        case .idle: print.add(1)
        case .stalled(let step):
            print.add(2)
            add(step, to: &print)
        case .resting(let step):
            print.add(3)
            add(step, to: &print)
        case .entering(let created, let listed):
            print.add(4)
            add(created?.map { .created($0) }, to: &print)
            add(listed?.map { .names($0.contenders.map(\.string)) }, to: &print)
        case .makingParents: print.add(5)
        case .listing(let own):
            print.add(6)
            add(own, to: &print)
        case .waiting(let wait):
            print.add(7)
            add(wait.own, to: &print)
            add(wait.predecessor.string, to: &print)
            if let forerunner = wait.forerunner { add(forerunner.string, to: &print) } else { print.add(1) }
            for flag in [wait.predecessorIsHead, wait.predecessorIsGone, wait.isLooking] { print.add(flag) }
        case .proving(let own):
            print.add(8)
            add(own, to: &print)
        case .held(let own, let isLost):
            print.add(isLost ? 9 : 10)
            add(own, to: &print)
        case .recovering(let passed, let listed, let isSecondLook):
            print.add(isSecondLook ? 11 : 12)
            add(passed?.map { .done }, to: &print)
            add(listed?.map { .names($0.contenders.map(\.string)) }, to: &print)
        case .adopting(let name, let queue):
            print.add(13)
            add(name, to: &print)
            add(queue.contenders.map(\.string), to: &print)
        case .leaving: print.add(14)
        case .betweenSessions: print.add(15)
        case .ended: print.add(16)
        case .front(let own):
            print.add(17)
            add(own, to: &print)
        }
    }

    /// What has been answered so far.
    private func add(_ answer: Result<Answer, RequestFailure>?, to print: inout Fingerprint) {
        guard let answer else { return print.add(1) }
        add(answer.mapError { SmallPacket.Refused(code: $0.code) }, to: &print)
    }

    private func add(_ step: QueueMachine.Step, to print: inout Fingerprint) {
        switch step {
        case .enter: print.add(1)
        case .makeParents: print.add(2)
        case .list(let own):
            print.add(3)
            add(own, to: &print)
        case .prove(let own):
            print.add(4)
            add(own, to: &print)
        case .recover(let isSecondLook): print.add(isSecondLook ? 5 : 6)
        case .adopt(let name, let queue):
            print.add(7)
            add(name, to: &print)
            add(queue.contenders.map(\.string), to: &print)
        case .listAndWatch(let own):
            print.add(8)
            add(own, to: &print)
        }
    }
}
