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
    var isAwaitingSession = false
    var own: QueueMachine.Own?
    var isInBody = false
    /// By its own knowledge the body must not go on after this.
    var departure: QueueMachine.Departure?
    var isOver = false

    init(number: Int, client: Int, onlyIfAvailable: Bool) {
        self.number = number
        self.client = client
        machine = QueueMachine(onlyIfAvailable: onlyIfAvailable)
    }

    /// The node that the renewal of the session has to prove.
    var proves: String? {
        isInBody ? own?.name : nil
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

    mutating func giveUp(_ number: Int) {
        let reason: QueueMachine.Departure = random.chance(50) ? .timedOut : .cancelled
        note("c\(number) gives up: \(reason)")
        post(number, .giveUp(reason))
        agenda.add(.patienceEnded(contender: number), at: now + 1000)
    }

    mutating func endBody(_ number: Int) {
        guard contenders[number].isInBody else { return }
        note("c\(number) ends its body")
        contenders[number].isInBody = false
        post(number, .release)
        agenda.add(.patienceEnded(contender: number), at: now + 1000)
    }

    // MARK: The driver

    mutating func enter(_ number: Int) {
        let client = contenders[number].client
        contenders[number].entry += 1
        contenders[number].isObserving = true
        contenders[number].isAwaitingSession = false
        let uuid = "c\(number).\(contenders[number].entry)"
        contenders[number].uuids.append(uuid)
        post(number, .enter(uuid: uuid, isConnected: clients[client].link.isConnected), of: contenders[number].entry)
    }

    mutating func post(_ number: Int, _ event: QueueMachine.Event, of entry: Int? = nil) {
        contenders[number].inbox.append((event, entry))
        guard !contenders[number].isBusy else { return }
        contenders[number].isBusy = true
        while !contenders[number].inbox.isEmpty {
            let (event, entry) = contenders[number].inbox.removeFirst()
            if let entry, entry != contenders[number].entry { continue }
            note("c\(number) <- \(event)")
            for action in contenders[number].machine.handle(event) { perform(number, action) }
        }
        contenders[number].isBusy = false
    }

    private mutating func perform(_ number: Int, _ action: QueueMachine.Action) {
        note("c\(number) -> \(action)")
        judgeAction(number, action)
        let client = contenders[number].client
        let entry = contenders[number].entry
        if let inquiry = Inquiry(action) {
            return submit(inquiry.request(on: Self.path), for: .contender(number, entry: entry, inquiry), client)
        }
        switch action {
        case .grant(let own):
            contenders[number].own = own
            contenders[number].isInBody = true
            agenda.add(.bodyEnds(contender: number), at: now + random.waiting(mean: setting.hold))
        case .lose:
            contenders[number].isInBody = false
        case .pause(let pause, let step):
            let length: Int64 =
                switch pause {
                case .backOff(let attempt): min(1000, 10 << Int64(min(attempt, 7)))
                case .untilStragglersAreGone: clients[client].timeout / 3
                }
            agenda.add(.paused(contender: number, entry: entry, step: step), at: now + length)
        case .awaitSession: enter(number)
        case .end:
            contenders[number].isObserving = false
            contenders[number].isOver = true
        default: break
        }
    }
}

extension Inquiry {
    func request(on path: NodePath) -> ServerRequest {
        switch self {
        case .create(let prefix):
            .create(path.appending(unchecked: prefix), data: [], mode: .ephemeralSequential, acl: [.open])
        case .list: .children(path, watch: false)
        case .makeParents: .create(path, data: [], mode: .container, acl: [.open])
        case .watch(let name, true, _): .exists(path.appending(unchecked: name), watch: true)
        case .watch(let name, false, _): .get(path.appending(unchecked: name), watch: true)
        case .barrier: .commit([.check(path, version: nil)])
        case .read(let name, _): .exists(path.appending(unchecked: name), watch: false)
        case .delete(let name): .delete(path.appending(unchecked: name), version: nil)
        }
    }
}
