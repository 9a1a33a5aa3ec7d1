import Testing
import ZooKeeper

@testable import ZooKeeperLocks

@Suite struct TurnMachineTests {
    private typealias Machine = TurnMachine<String>

    /// A machine that holds by znode 1, with those in line.
    private static func held(
        _ maxConsecutive: Int = 3, linger: Duration = .zero, firstTurn: UInt32 = 1, hasWaited: Bool = false,
        line: [String] = ["a"]
    ) -> TurnMachine<String> {
        var machine = Machine(maxConsecutive: maxConsecutive, linger: linger, firstTurn: firstTurn)
        for waiter in line { _ = machine.ask(waiter) }
        machine.granted(1, czxid: 100, hasWaited: hasWaited)
        return machine
    }

    private static func turn(_ number: UInt32, node: Int = 1, czxid: Int64 = 100) -> TurnMachine<String>.Turn {
        .init(node: node, token: FencingToken(rawValue: czxid, turn: number))
    }

    @Test func thoseInLineTakeTurnsInTheirOrder() {
        var machine = Machine(maxConsecutive: 3, linger: .zero)
        #expect(machine.take() == nil)
        #expect(machine.ask("a") == .waits(ticket: 0, ahead: 0))
        #expect(machine.words == ["enter 1"])
        #expect(machine.ask("b") == .waits(ticket: 1, ahead: 1))
        #expect(machine.ask("c", mayWait: false) == .refused(ahead: 2))
        #expect(machine.words == [])
        machine.granted(1, czxid: 100, hasWaited: false)
        #expect(machine.words == ["look 1", "grant a 0000000000000064.00000001"])
        #expect(machine.ask("d", mayWait: false) == .refused(ahead: 2))
        machine.ended(Self.turn(1), at: .zero)
        #expect(machine.words == ["grant b 0000000000000064.00000002"])
        machine.ended(Self.turn(2), at: .zero)
        #expect(machine.words == ["give back 1"])
        #expect(machine.node == .none)
    }

    @Test func whoeverWasThereBeforeTheLookWaitsForTheBound() {
        var machine = Self.held(2, line: ["a", "b", "c"])
        #expect(machine.words == ["enter 1", "look 1", "grant a 0000000000000064.00000001"])
        machine.ended(Self.turn(1), at: .zero)
        _ = machine.takeActions()
        machine.ended(Self.turn(2), at: .zero)
        // Not before the look tells.
        #expect(machine.words == [])
        var alone = machine
        alone.sawNobody(1)
        #expect(alone.words == ["grant c 0000000000000064.00000003"])
        machine.sawOthers(1)
        // Ahead of the removal: so it is in the queue all the time.
        #expect(machine.words == ["enter 2", "give back 1"])
    }

    @Test func whoeverComesLaterWaitsForTheBoundFromThenOn() {
        var machine = Self.held(2, line: ["a", "b", "c", "d", "e"])
        machine.sawNobody(1)
        for turn in 1...3 { machine.ended(Self.turn(UInt32(turn)), at: .zero) }
        _ = machine.takeActions()
        machine.sawOthers(1)
        #expect(machine.words == [])
        // The fourth was the first that counts.
        machine.ended(Self.turn(4), at: .zero)
        #expect(machine.words == ["grant e 0000000000000064.00000005"])
        _ = machine.ask("f")
        machine.ended(Self.turn(5), at: .zero)
        #expect(machine.words == ["enter 2", "give back 1"])
    }

    @Test func aProcessThatHadToWaitCountsFromTheFirst() {
        var machine = Self.held(2, hasWaited: true, line: ["a", "b", "c"])
        machine.ended(Self.turn(1), at: .zero)
        machine.ended(Self.turn(2), at: .zero)
        #expect(
            machine.words == [
                "enter 1", "grant a 0000000000000064.00000001", "grant b 0000000000000064.00000002", "enter 2",
                "give back 1",
            ])
    }

    @Test func whatLingersIsTakenAgainAndGivenBackInTheEnd() {
        var machine = Self.held(linger: .seconds(10))
        machine.ended(Self.turn(1), at: .seconds(1))
        #expect(machine.words == ["enter 1", "grant a 0000000000000064.00000001", "look 1", "wake 11.0 seconds"])
        machine.sawNobody(1)
        #expect(machine.take() == Self.turn(2))
        #expect(machine.take() == nil)
        machine.woken(at: .seconds(11))
        machine.ended(Self.turn(2), at: .seconds(12))
        #expect(machine.words == ["wake 22.0 seconds"])
        #expect(machine.take() == Self.turn(3))
        machine.ended(Self.turn(3), at: .seconds(15))
        machine.woken(at: .seconds(22))
        // Since the last turn it is not so long.
        #expect(machine.words == ["wake 25.0 seconds"])
        machine.woken(at: .seconds(25))
        #expect(machine.words == ["give back 1"])
    }

    @Test func whatLingersGoesWhenSomebodyComes() {
        var machine = Self.held(linger: .seconds(10))
        machine.ended(Self.turn(1), at: .zero)
        machine.sawNobody(1)
        _ = machine.takeActions()
        machine.sawOthers(1)
        #expect(machine.words == ["give back 1"])
        // Old news.
        machine.sawOthers(1)
        machine.woken(at: .seconds(10))
        #expect(machine.words == [])
    }

    @Test func whatIsLostIsNobodysTurn() {
        var machine = Self.held(line: ["a", "b"])
        _ = machine.takeActions()
        machine.lost(1, .sessionExpired)
        #expect(machine.words == ["lose 1", "enter 2"])
        #expect(machine.take() == nil)
        machine.ended(Self.turn(1), at: .zero)
        // The rest of it, which may be in the way of others.
        #expect(machine.words == ["give back 1"])
        machine.granted(2, czxid: 200, hasWaited: false)
        #expect(machine.words == ["grant b 00000000000000c8.00000001"])
    }

    @Test func whoeverLeavesLeavesNothing() {
        var machine = Machine(maxConsecutive: 3, linger: .zero)
        for waiter in ["a", "b", "c"] { _ = machine.ask(waiter) }
        _ = machine.takeActions()
        #expect(machine.leave(1, at: .zero).ahead == 1)
        #expect(machine.leave(1, at: .zero).isTooLate)
        #expect(machine.leave(0, at: .zero).ahead == 0)
        #expect(machine.words == [])
        #expect(machine.leave(2, at: .zero).withdraws)
        #expect(machine.words == ["withdraw 1 c"])
        // It was granted all the same.
        machine.granted(1, czxid: 100, hasWaited: false)
        #expect(machine.words == ["give back 1"])
        machine.departed(1, isTaken: false)
        #expect(machine.words == [])
    }

    @Test func whoeverTriesLearnsThatItIsTakenAndTheOthersQueue() {
        var machine = Machine(maxConsecutive: 3, linger: .zero)
        #expect(machine.ask("a", mayWait: false) == .waits(ticket: 0, ahead: 0))
        #expect(machine.words == ["try 1"])
        _ = machine.ask("b")
        machine.departed(1, isTaken: true)
        #expect(machine.words == ["fail a", "enter 2"])
        machine.departed(2, isTaken: false)
        #expect(machine.words == ["fail b"])
    }

    @Test func aRequestToGiveUpEndsTheProcesssTurns() {
        var machine = Self.held(100, linger: .seconds(1), line: ["a", "b"])
        machine.sawNobody(1)
        _ = machine.takeActions()
        machine.revoked(1)
        machine.ended(Self.turn(1), at: .zero)
        #expect(machine.words == ["enter 2", "give back 1"])
    }

    @Test func afterTheLastTurnComesAnotherZnode() {
        var machine = Self.held(100, firstTurn: .max - 1, line: ["a", "b", "c"])
        machine.sawNobody(1)
        machine.ended(Self.turn(.max - 1), at: .zero)
        _ = machine.takeActions()
        machine.ended(Self.turn(.max), at: .zero)
        #expect(machine.words == ["enter 2", "give back 1"])
    }

    @Test func theLineKeepsItsOrderWhoeverLeaves() {
        var line = WaitingLine<Int>()
        var expected: [Int] = []
        for number in 0..<500 {
            #expect(line.append(number) == UInt64(number))
            expected.append(number)
            if number % 3 == 0 { #expect(line.popFirst() == expected.removeFirst()) }
            if number % 7 == 0, let index = expected.indices.dropFirst(expected.count / 2).first {
                let removed = line.remove(UInt64(expected[index]))
                #expect(removed?.waiter == expected[index] && removed?.ahead == index)
                #expect(line.remove(UInt64(expected.remove(at: index))) == nil)
            }
            #expect(line.count == expected.count && line.isEmpty == expected.isEmpty)
        }
        #expect(line.waiting == expected)
        #expect(line.removeAll() == expected)
        #expect(line.popFirst() == nil)
    }
}

extension TurnMachine<String> {
    /// The actions, for comparison.
    fileprivate var words: [String] {
        mutating get {
            takeActions().map { action in
                switch action {
                case .grant(let waiter, let turn): "grant \(waiter) \(turn.token)"
                case .lose(let turn, _): "lose \(turn.node)"
                case .enter(let node, let onlyIfAvailable): "\(onlyIfAvailable ? "try" : "enter") \(node)"
                case .withdraw(let node, let waiter): "withdraw \(node) \(waiter)"
                case .giveBack(let node): "give back \(node)"
                case .fail(let waiters, _): "fail \(waiters.joined(separator: " "))"
                case .look(let node): "look \(node)"
                case .wake(let due): "wake \(due)"
                }
            }
        }
    }
}

extension TurnMachine<String>.Leave {
    fileprivate var ahead: Int? { if case .left(_, let ahead) = self { ahead } else { nil } }
    fileprivate var withdraws: Bool { if case .withdraws = self { true } else { false } }
    fileprivate var isTooLate: Bool { if case .tooLate = self { true } else { false } }
}
