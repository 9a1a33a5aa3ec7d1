import Testing
import ZooKeeper

@testable import ZooKeeperLocks

/// A tiny model of one server and several clients with contenders on them, in random schedules.
struct QueueSimulation {
    struct Faults {
        /// What `Session.end` does: observers first, then pending answers; a new session may come between.
        var staleAnswersAfterExpiry = false
        var externalDeletes = false
    }

    enum Op {
        case create(prefix: String), list(step: Int), parents(step: Int), watch(String), look(step: Int), prove(
            QueueMachine.Own, step: Int), barrier(step: Int),
            read(String, step: Int), delete(String)
    }
    struct Outstanding { var id: Int; var contender: Int; var op: Op }
    struct Reply { var id: Int; var contender: Int; var event: QueueMachine.Event }
    struct Client {
        var session: Int64 = 0
        var serverAlive = true
        var connected = true
        /// Was connected at least once: `Session.id` is known.
        var wasConnected = true
        var requests: [Outstanding] = []
        var replies: [Reply] = []
        /// By id: what the client waits for, in order.
        var outstanding: [Outstanding] = []
    }
    struct Node { var czxid: Int64; var owner: Int64 }

    var rng: SeededGenerator
    var faults: Faults
    var clients: [Client] = []
    var machines: [QueueMachine] = []
    var home: [Int] = []
    var uuids: [[String]] = []
    var nodes: [String: Node] = [:]
    var parent = false
    var sequence: Int32 = 0
    var zxid: Int64 = 100
    var nextSession: Int64 = 1
    var nextID = 0
    var watches: [(node: String, client: Int, session: Int64, contender: Int)] = []
    var timers: [(contender: Int, step: Int)] = []
    var stale: [(contender: Int, entry: Int, event: QueueMachine.Event)] = []
    /// How often each contender has entered the queue; its driver drops what belongs to an earlier entry.
    var entries: [Int] = []
    var granted: [Int: QueueMachine.Own] = [:]
    var problems: [String] = []
    var trace: [String] = []
    var grants = 0

    init(seed: UInt64, clients count: Int, contenders: Int, faults: Faults) {
        rng = SeededGenerator(seed: seed)
        self.faults = faults
        for _ in 0..<count {
            clients.append(Client(session: nextSession))
            nextSession += 1
        }
        for index in 0..<contenders {
            machines.append(QueueMachine(onlyIfAvailable: Int.random(in: 0..<8, using: &rng) == 0))
            home.append(index % count)
            uuids.append([])
            entries.append(0)
        }
    }

    mutating func log(_ text: @autoclosure () -> String) { trace.append(text()) }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &rng) < percent }

    mutating func enter(_ c: Int) {
        let uuid = "00000000-0000-0000-\(1000 + c)-\(100_000_000_000 + uuids[c].count)"
        uuids[c].append(uuid)
        let client = clients[home[c]]
        entries[c] += 1
        post(c, .enter(uuid: uuid, isConnected: client.connected))
    }

    mutating func post(_ c: Int, _ event: QueueMachine.Event) {
        log("c\(c) <- \(event)")
        for action in machines[c].handle(event) { perform(c, action) }
    }

    mutating func perform(_ c: Int, _ action: QueueMachine.Action) {
        log("c\(c) -> \(action)")
        let h = home[c]
        func send(_ op: Op) {
            nextID += 1
            let request = Outstanding(id: nextID, contender: c, op: op)
            clients[h].outstanding.append(request)
            // Not connected: parked until it is.
            clients[h].requests.append(request)
        }
        switch action {
        case .create(let prefix): send(.create(prefix: prefix))
        case .list(let step): send(.list(step: step))
        case .makeParents(let step): send(.parents(step: step))
        case .watch(let name, _): send(.watch(name))
        case .look(let step): send(.look(step: step))
        case .prove(let own, let step): send(.prove(own, step: step))
        case .barrier(let step): send(.barrier(step: step))
        case .readNode(let name, let step): send(.read(name, step: step))
        case .delete(let name, _): send(.delete(name))
        case .pause(_, let step): timers.append((c, step))
        case .grant(let own):
            grants += 1
            granted[c] = own
            if clients[h].serverAlive, let node = nodes[own.name], node.owner == clients[h].session {
                if let better = nodes.first(where: { $0.value.czxid < node.czxid }) {
                    problems.append("c\(c) granted \(own.name) while \(better.key) is ahead")
                }
                if node.czxid != own.czxid { problems.append("c\(c) wrong token") }
            } else if clients[h].serverAlive && !faults.externalDeletes {
                problems.append("c\(c) granted \(own.name), which is not there")
            }
        case .lose: granted[c] = nil
        case .awaitSession:
            if clients[h].session < 0 { waitingForSession.append(c) } else { enter(c) }
        case .end:
            granted[c] = nil
            if clients[h].serverAlive { checkClean(c) }
        case .leaveBehind(let name, _): problems.append("c\(c) left \(name) behind")
        case .tellPosition, .depart, .yield: break
        }
    }
    var waitingForSession: [Int] = []

    mutating func checkClean(_ c: Int) {
        for (name, node) in nodes where node.owner == clients[home[c]].session {
            if uuids[c].contains(where: { name.contains($0) }) { problems.append("c\(c) ended and left \(name)") }
        }
        for request in clients[home[c]].requests where request.contender == c {
            if case .create = request.op { problems.append("c\(c) ended with a create under way") }
        }
    }

    // MARK: The server

    mutating func remove(_ name: String) {
        nodes[name] = nil
        zxid += 1
        for watch in watches
        where watch.node == name && clients[watch.client].session == watch.session && clients[watch.client].connected {
            clients[watch.client].replies.append(
                Reply(id: 0, contender: watch.contender, event: .changed(watch.node, .deleted)))
        }
        // Those of the disconnected are set again on reconnect.
        watches.removeAll { $0.node == name && clients[$0.client].connected }
    }

    mutating func execute(_ request: Outstanding, _ h: Int) -> QueueMachine.Event {
        let throttled = quiet ? false : chance(2)
        func no(_ code: ZooKeeperError.Code) -> RequestFailure { RequestFailure(code) }
        switch request.op {
        case .create(let prefix):
            if throttled { return .created(.failure(no(.throttled))) }
            guard parent else { return .created(.failure(no(.noNode))) }
            let digits = String(sequence)
            let name = prefix + String(repeating: "0", count: 10 - digits.count) + digits
            sequence += 1
            zxid += 1
            nodes[name] = Node(czxid: zxid, owner: clients[h].session)
            return .created(.success(.init(name: name, czxid: zxid)))
        case .list(let step):
            if throttled { return .listed(step: step, .failure(no(.throttled))) }
            guard parent else { return .listed(step: step, .failure(no(.noNode))) }
            return .listed(step: step, .success(nodes.keys.shuffled(using: &rng)))
        case .parents(let step):
            if throttled { return .parentsMade(step: step, .failure(no(.throttled))) }
            if !parent { sequence = 0 }
            parent = true
            return .parentsMade(step: step, .success(()))
        case .watch(let name):
            guard nodes[name] != nil else { return .watched(name, .failure(no(.noNode))) }
            watches.append((name, h, clients[h].session, request.contender))
            return .watched(name, .success(()))
        case .look(let step):
            return .looked(step: step, parent ? .success(.foreign) : .failure(no(.noNode)))
        case .prove(let own, let step):
            return .proved(step: step, nodes[own.name] != nil ? .success(()) : .failure(no(.noNode)))
        case .barrier(let step):
            return .barrierPassed(step: step, parent ? .success(()) : .failure(no(.noNode)))
        case .read(let name, let step):
            guard let node = nodes[name] else { return .nodeRead(step: step, .failure(no(.noNode))) }
            return .nodeRead(step: step, .success((Stat(czxid: node.czxid), isOurs: node.owner == clients[h].session)))
        case .delete(let name):
            if throttled { return .deleted(name: name, .failure(no(.throttled))) }
            guard nodes[name] != nil else { return .deleted(name: name, .failure(no(.noNode))) }
            remove(name)
            return .deleted(name: name, .success(()))
        }
    }

    static func failed(_ request: Outstanding, _ code: ZooKeeperError.Code, sent: Bool) -> QueueMachine.Event {
        let write = RequestFailure(code, outcomeIsUnknown: sent, wasNeverSent: !sent)
        let read = RequestFailure(code, wasNeverSent: !sent)
        switch request.op {
        case .create: return .created(.failure(write))
        case .list(let step): return .listed(step: step, .failure(read))
        case .parents(let step): return .parentsMade(step: step, .failure(write))
        case .watch(let name): return .watched(name, .failure(read))
        case .look(let step): return .looked(step: step, .failure(read))
        case .prove(_, let step): return .proved(step: step, .failure(write))
        case .barrier(let step): return .barrierPassed(step: step, .failure(write))
        case .read(_, let step): return .nodeRead(step: step, .failure(read))
        case .delete(let name): return .deleted(name: name, .failure(write))
        }
    }

    // MARK: What may happen

    mutating func step(_ h: Int) -> Bool {
        guard clients[h].connected, !clients[h].requests.isEmpty else { return false }
        let request = clients[h].requests.removeFirst()
        let event = execute(request, h)
        clients[h].replies.append(Reply(id: request.id, contender: request.contender, event: event))
        return true
    }

    mutating func deliver(_ h: Int) -> Bool {
        guard clients[h].connected, !clients[h].replies.isEmpty else { return false }
        let reply = clients[h].replies.removeFirst()
        if reply.id == 0 { post(reply.contender, reply.event); return true }
        guard let index = clients[h].outstanding.firstIndex(where: { $0.id == reply.id }) else { return true }
        clients[h].outstanding.remove(at: index)
        post(reply.contender, reply.event)
        return true
    }

    mutating func disconnect(_ h: Int) {
        guard clients[h].connected else { return }
        log("client \(h) disconnected")
        // Some of what was sent is executed all the same.
        for _ in 0..<Int.random(in: 0...max(0, clients[h].requests.count), using: &rng) {
            let request = clients[h].requests.removeFirst()
            _ = execute(request, h)
        }
        let sessionsWatches = clients[h].replies.filter { $0.id == 0 }
        clients[h].connected = false
        for reply in sessionsWatches {
            // Undelivered events of watches: set again on reconnect, and told then.
            if case .changed(let name, _) = reply.event {
                watches.append((name, h, clients[h].session, reply.contender))
            }
        }
        let failed = clients[h].outstanding
        clients[h].outstanding = []
        clients[h].requests = []
        clients[h].replies = []
        for c in machines.indices where home[c] == h { post(c, .suspended) }
        for request in failed { post(request.contender, Self.failed(request, .connectionLost, sent: true)) }
    }

    mutating func expireAtServer(_ h: Int) {
        guard !clients[h].connected, clients[h].serverAlive, clients[h].wasConnected else { return }
        log("session of client \(h) expired at the server")
        clients[h].serverAlive = false
        for name in nodes.filter({ $0.value.owner == clients[h].session }).keys { remove(name) }
    }

    mutating func reconnect(_ h: Int) {
        guard !clients[h].connected else { return }
        if clients[h].serverAlive {
            clients[h].connected = true
            clients[h].wasConnected = true
            log("client \(h) connected")
            let mine = watches.filter { $0.client == h && $0.session == clients[h].session && nodes[$0.node] == nil }
            watches.removeAll { w in w.client == h && (w.session != clients[h].session || nodes[w.node] == nil) }
            for c in machines.indices where home[c] == h { post(c, .connected) }
            for watch in mine {
                clients[h].replies.append(
                    Reply(id: 0, contender: watch.contender, event: .changed(watch.node, .deleted)))
            }
            return
        }
        log("client \(h) learns of the expiry")
        let failed = clients[h].outstanding
        clients[h].outstanding = []
        clients[h].requests = []
        clients[h].replies = []
        clients[h].session = -1
        let entryBefore = entries
        for c in machines.indices where home[c] == h { post(c, .sessionEnded(.sessionExpired)) }
        for request in failed {
            let event = Self.failed(request, .sessionExpired, sent: false)
            if faults.staleAnswersAfterExpiry {
                stale.append((request.contender, entryBefore[request.contender], event))
            } else {
                post(request.contender, event)
            }
        }
        clients[h].session = nextSession
        nextSession += 1
        clients[h].serverAlive = true
        clients[h].wasConnected = false
        let waiting = waitingForSession.filter { home[$0] == h }
        waitingForSession.removeAll { home[$0] == h }
        for c in waiting { enter(c) }
    }

    var quiet = false

    mutating func randomEvent() {
        let h = Int.random(in: clients.indices, using: &rng)
        switch Int.random(in: 0..<100, using: &rng) {
        case 0..<35: _ = step(h)
        case 35..<68: _ = deliver(h)
        case 68..<71: disconnect(h)
        case 71..<78: reconnect(h)
        case 78: expireAtServer(h)
        case 79..<83:
            guard !timers.isEmpty else { return }
            let timer = timers.remove(at: Int.random(in: timers.indices, using: &rng))
            post(timer.contender, .paused(step: timer.step))
        case 83..<86:
            // A deadline passes.
            guard let request = clients[h].outstanding.randomElement(using: &rng) else { return }
            clients[h].outstanding.removeAll { $0.id == request.id }
            if !clients[h].connected { clients[h].requests.removeAll { $0.id == request.id } }
            post(request.contender, Self.failed(request, .requestTimedOut, sent: clients[h].connected))
        case 86..<88:
            if !stale.isEmpty {
                let answer = stale.removeFirst()
                if answer.entry == entries[answer.contender] { post(answer.contender, answer.event) }
            }
        case 88..<90:
            let c = Int.random(in: machines.indices, using: &rng)
            post(c, .giveUp(chance(50) ? .timedOut : .cancelled))
            if chance(30) { post(c, .patienceEnded) }
        case 90..<94:
            guard let c = granted.keys.sorted().randomElement(using: &rng) else { return }
            granted[c] = nil
            post(c, .release)
        case 94:
            // Reaped, as it is empty.
            if nodes.isEmpty { parent = false }
        case 95:
            guard faults.externalDeletes, let name = nodes.keys.sorted().randomElement(using: &rng), chance(20) else {
                return
            }
            remove(name)
        default:
            let c = Int.random(in: machines.indices, using: &rng)
            if case .idle = machines[c].phase { enter(c) }
        }
        check()
    }

    mutating func check() {
        var holders = 0
        for (c, own) in granted where clients[home[c]].serverAlive && clients[home[c]].session > 0 {
            if let node = nodes[own.name], node.owner == clients[home[c]].session { holders += 1 }
        }
        if holders > 1 { problems.append("\(holders) holders") }
    }

    /// No more faults: everybody must come to an end.
    mutating func settle() {
        quiet = true
        for h in clients.indices { reconnect(h); reconnect(h) }
        for (c, entry, event) in stale where entry == entries[c] { post(c, event) }
        stale = []
        for c in machines.indices { if case .idle = machines[c].phase { enter(c) } }
        var budget = 20_000
        while budget > 0 {
            budget -= 1
            check()
            var progress = false
            for h in clients.indices {
                progress = step(h) || progress
                progress = deliver(h) || progress
            }
            if progress { continue }
            if let c = granted.keys.sorted().first {
                granted[c] = nil
                post(c, .release)
                continue
            }
            if !timers.isEmpty {
                let timer = timers.removeFirst()
                post(timer.contender, .paused(step: timer.step))
                continue
            }
            break
        }
        if budget == 0 { problems.append("livelock") }
        for c in machines.indices where !machines[c].isEnded {
            problems.append("c\(c) is stuck in \(machines[c].phase)")
        }
        if !nodes.isEmpty { problems.append("left at the end: \(nodes.keys.sorted())") }
    }

    static func run(seeds: Range<UInt64>, faults: Faults) -> (
        failures: [(seed: UInt64, problems: [String], trace: [String])], grants: Int
    ) {
        var failures: [(UInt64, [String], [String])] = []
        var grants = 0
        for seed in seeds {
            var shape = SeededGenerator(seed: seed &* 7919)
            var simulation = QueueSimulation(
                seed: seed, clients: Int.random(in: 1...4, using: &shape),
                contenders: Int.random(in: 1...8, using: &shape), faults: faults)
            for _ in 0..<Int.random(in: 20...1500, using: &shape) where simulation.problems.isEmpty {
                simulation.randomEvent()
            }
            if simulation.problems.isEmpty { simulation.settle() }
            grants += simulation.grants
            if !simulation.problems.isEmpty { failures.append((seed, simulation.problems, simulation.trace)) }
        }
        return (failures, grants)
    }
}
