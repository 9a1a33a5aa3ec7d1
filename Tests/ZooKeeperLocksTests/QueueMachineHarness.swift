import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// Plays the events of one contender and keeps what the machine asked for.
struct Harness {
    typealias Machine = QueueMachine

    var machine: QueueMachine
    var actions: [QueueMachine.Action] = []
    static let uuid = "7f3c0a52-1111-2222-3333-444455556666"

    init(onlyIfAvailable: Bool = false, rules: QueueRules = .sound) {
        machine = QueueMachine(onlyIfAvailable: onlyIfAvailable, rules: rules)
    }

    static func name(_ sequence: Int32, uuid: String = uuid) -> String {
        let digits = String(sequence.magnitude)
        let width = sequence < 0 ? 9 : 10
        let padded = String(repeating: "0", count: max(0, width - digits.count)) + digits
        return ContenderName.prefix(uuid: uuid) + (sequence < 0 ? "-" : "") + padded
    }

    static func other(_ sequence: Int32) -> String { name(sequence, uuid: "00000000-0000-0000-0000-000000000000") }

    static func own(_ sequence: Int32) -> QueueMachine.Own {
        QueueMachine.Own(name: name(sequence), czxid: 1000 + Int64(sequence))
    }

    static let unknown = RequestFailure(.connectionLost, outcomeIsUnknown: true)
    static let notSent = RequestFailure(.connectionLost)

    /// Handles the event; returns what the machine asked for because of it.
    @discardableResult
    mutating func send(_ event: QueueMachine.Event, leaseIsValid: Bool = true) -> [QueueMachine.Action] {
        let new = machine.handle(event, leaseIsValid: leaseIsValid)
        actions += new
        return new
    }

    @discardableResult
    mutating func enter(isConnected: Bool = true) -> [QueueMachine.Action] {
        send(.enter(uuid: Self.uuid, isConnected: isConnected))
    }

    /// The answer to the latest listing, or to whatever the latest question was.
    @discardableResult
    mutating func list(_ result: Result<[String], RequestFailure>) -> [QueueMachine.Action] {
        send(.listed(step: machine.step, result.map(QueueListing.init)))
    }

    @discardableResult
    mutating func create(_ result: Result<QueueMachine.Own, RequestFailure>) -> [QueueMachine.Action] {
        send(.created(result))
    }

    /// Stands in the queue behind `other(1)`, armed.
    static func waiting() -> Harness {
        var harness = Harness()
        harness.enter()
        harness.create(.success(own(5)))
        harness.list(.success([other(1), name(5)]))
        harness.send(.watched(other(1), .success(())))
        harness.send(.watched(name(5), .success(())))
        return harness
    }

    /// Stands behind `other(1)` and `other(2)`, everything watched.
    static func third() -> Harness {
        var harness = Harness()
        harness.enter()
        harness.create(.success(own(5)))
        harness.list(.success([other(1), other(2), name(5)]))
        for node in [other(2), name(5), other(1)] { harness.send(.watched(node, .success(()))) }
        return harness
    }

    static func held() -> Harness {
        var harness = Harness()
        harness.enter()
        harness.create(.success(own(5)))
        harness.list(.success([name(5)]))
        return harness
    }

    var isGranted: Bool { actions.contains { if case .grant = $0 { true } else { false } } }
    var isEnded: Bool { actions.last == .end && machine.isEnded }
    var departures: [QueueMachine.Departure] {
        actions.compactMap { if case .depart(let departure, _) = $0 { departure } else { nil } }
    }
}
