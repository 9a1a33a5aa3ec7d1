import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// A contender: the production machine, and what its driver and its user know.
struct Contestant {
    let number: Int
    let client: Int
    var machine: QueueMachine
    var inbox: [(event: QueueMachine.Event, entry: Int?)] = []
    var isBusy = false
    var entry = 0
    var uuids: [String] = []
    /// Told of the session's changes.
    var isObserving = false
    var hasArrived = false
    /// It has, or will at its time.
    var isCalled = false
    var isAwaitingSession = false
    /// Has asked who else is in the queue.
    var hasListed = false
    var own: QueueMachine.Own?
    /// In which it was granted.
    var session: Int64 = 0
    var isInBody = false
    var isLost = false
    var hasEndedBody = false
    /// By its own knowledge the body must not go on after this.
    var departure: QueueMachine.Departure?
    var isOver = false

    /// Whether it means to become a reader.
    var downgrades = false

    init(number: Int, client: Int, onlyIfAvailable: Bool, policy: QueuePolicy, rules: QueueRules) {
        self.number = number
        self.client = client
        machine = QueueMachine(onlyIfAvailable: onlyIfAvailable, policy: policy, rules: rules)
    }
}

extension World {
    // MARK: The user

    mutating func arrive(_ number: Int) {
        contenders[number].hasArrived = true
        if random.chance(setting.impatient) {
            agenda.add(.giveUp(contender: number), at: now + random.waiting(mean: setting.patience))
        }
        enter(number)
    }

    /// The next contender of the same client comes, if it is one at a time.
    private mutating func callNext(after number: Int) {
        guard let rest = setting.rest,
            let next = contenders.indices.first(where: {
                contenders[$0].client == contenders[number].client && !contenders[$0].isCalled
            })
        else { return }
        contenders[next].isCalled = true
        // Most come at once: while the one before is still leaving.
        agenda.add(.arrive(contender: next), at: now + (random.chance(60) ? 0 : random.waiting(mean: rest)))
    }

    mutating func giveUp(_ number: Int) {
        let reason: QueueMachine.Departure = random.chance(50) ? .timedOut : .cancelled
        note("c\(number) gives up: \(reason)")
        post(number, .giveUp(reason))
        agenda.add(.patienceEnded(contender: number), at: now + 1000)
    }

    mutating func downgrade(_ number: Int) {
        guard contenders[number].isInBody, !contenders[number].isLost else { return }
        note("c\(number) wants to be a reader")
        post(number, .downgrade)
    }

    mutating func endBody(_ number: Int) {
        guard contenders[number].isInBody else { return }
        note("c\(number) ends its body")
        contenders[number].isInBody = false
        contenders[number].hasEndedBody = true
        post(number, .release)
        callNext(after: number)
        agenda.add(.patienceEnded(contender: number), at: now + 1000)
    }

    // MARK: The lease

    /// What a body is given to end in.
    var stopMargin: Int64 { setting.timeout / 20 }

    func mayGrant(_ client: Int) -> Bool { clients[client].isValid(at: now + stopMargin, confirmed: setting.confirmed) }

    /// Holders whose lease is about to end are told.
    mutating func watchLeases() {
        for number in contenders.indices {
            guard contenders[number].isInBody, !contenders[number].isLost,
                !clients[contenders[number].client].isValid(at: now + stopMargin)
            else { continue }
            post(number, .leaseEnded(.leaseExpired))
        }
    }

    // MARK: The driver

    mutating func enter(_ number: Int) {
        let client = contenders[number].client
        contenders[number].entry += 1
        contenders[number].own = nil
        contenders[number].isObserving = true
        contenders[number].isAwaitingSession = false
        let uuid = "c\(number).\(rules.reusesUUID ? 1 : contenders[number].entry)"
        contenders[number].uuids.append(uuid)
        contenders[number].hasListed = false
        let isVacant = clients[client].vacancy.countOnIt()
        post(
            number, .enter(uuid: uuid, isConnected: clients[client].link.isConnected, isVacant: isVacant),
            of: contenders[number].entry)
    }

    mutating func post(_ number: Int, _ event: QueueMachine.Event?, of entry: Int? = nil) {
        guard let event else { return }
        contenders[number].inbox.append((event, entry))
        guard !contenders[number].isBusy else { return }
        contenders[number].isBusy = true
        while !contenders[number].inbox.isEmpty {
            let (event, entry) = contenders[number].inbox.removeFirst()
            if let entry, entry != contenders[number].entry { continue }
            note("c\(number) <- \(event)")
            let isValid = mayGrant(contenders[number].client)
            for action in contenders[number].machine.handle(event, leaseIsValid: isValid) { perform(number, action) }
        }
        contenders[number].isBusy = false
    }

    private mutating func perform(_ number: Int, _ action: QueueMachine.Action) {
        note("c\(number) -> \(action)")
        judgeAction(number, action)
        let client = contenders[number].client
        let entry = contenders[number].entry
        if let inquiry = Inquiry(action) {
            if inquiry.lists { contenders[number].hasListed = true }
            if join(number, inquiry) { return }
            let request =
                if case .barrier = inquiry, rules.syncsForBarrier { ServerRequest.sync } else {
                    inquiry.request(on: Self.path, contenders[number].machine.policy)
                }
            if case .replace(let name, _) = inquiry, rules.downgradesInTwoSteps {
                let delete = ServerRequest.delete(Self.path.appending(unchecked: name), version: nil)
                return submit(delete, for: .contender(number, entry: entry, inquiry), client)
            }
            let leaves = leaving(client, number, inquiry)
            return submit(request, for: .contender(number, entry: entry, inquiry), client, leaves: leaves)
        }
        switch action {
        case .grant(let own):
            contenders[number].own = own
            contenders[number].isInBody = true
            contenders[number].session = clients[client].session
            agenda.add(.bodyEnds(contender: number), at: now + random.waiting(mean: setting.hold))
            if contenders[number].downgrades {
                agenda.add(.downgrade(contender: number), at: now + random.waiting(mean: setting.hold / 3))
            }
        case .tellDowngrade(.success(let own)):
            contenders[number].own = own
        case .lose:
            // The body is cancelled; it ends when it notices, and then the lock is released.
            contenders[number].isLost = true
            agenda.add(.bodyEnds(contender: number), at: now + random.within(0...stopMargin / 2))
        case .yield(let own):
            for other in contenders.indices where other != number && contenders[other].client == client {
                post(other, .predecessorYielded(own.name))
            }
        case .pause(let pause, let step):
            let length: Int64 =
                switch pause {
                case .backOff(let attempt): min(1000, 10 << Int64(min(attempt, 7)))
                case .untilStragglersAreGone: clients[client].timeout / 3
                case .untilNextProof: clients[client].timeout / 12
                }
            agenda.add(.paused(contender: number, entry: entry, step: step), at: now + length)
        case .awaitSession: enter(number)
        case .end:
            contenders[number].isObserving = false
            contenders[number].isOver = true
            if !contenders[number].hasEndedBody { callNext(after: number) }
        default: break
        }
    }
}

extension Inquiry {
    func request(on path: NodePath, _ policy: QueuePolicy) -> ServerRequest {
        func node(_ name: String) -> NodePath { path.appending(unchecked: name) }
        return switch self {
        case .create(let prefix): .create(node(prefix), data: [], mode: .ephemeralSequential, acl: [.open])
        case .list: .children(path, watch: false)
        case .listAndWatch: .children(path, watch: true)
        case .makeParents: .create(path, data: policy.parentData, mode: .container, acl: [.open])
        case .watch(let name, true): .exists(node(name), watch: true)
        case .watch(let name, false): .get(node(name), watch: true)
        case .look: .get(path, watch: false)
        case .prove(let name, _): .commit([.check(node(name), version: nil)])
        case .barrier: .commit([.check(path, version: nil)])
        case .read(let name, _): .exists(node(name), watch: false)
        case .delete(let name, true):
            .commit([.delete(node(name), version: nil), .set(path, data: ParentData.recording(name), version: nil)])
        case .delete(let name, false): .delete(node(name), version: nil)
        case .watchParent: .get(path, watch: true)
        case .poke(let name): .set(node(name), data: [], version: nil)
        case .replace(let name, let reader):
            .commit([
                .create(node(reader), data: [], mode: .ephemeral, acl: [.open]), .delete(node(name), version: nil),
            ])
        }
    }
}
