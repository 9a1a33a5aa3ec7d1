import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// One attempt to get some locks, by the production machine.
struct MultiActor {
    enum Machine {
        case queue(QueueMachine)
        case multi(MultiLockMachine)
    }

    var number: Int
    var contestant: Int
    var client: Int
    var paths: [NodePath]
    var machine: Machine
    /// How often it has entered: once for each session.
    var entry = 0
    var isHolding = false
    /// Has asked who else is in the queues.
    var hasListed = false
    var isLost = false
    var isOver = false
    var nodes: [NodePath] = []
    var czxid: Int64 = 0
    var session: Int64 = 0
    var pauses: [(post: MultiPost, pause: QueueMachine.Pause)] = []

    func isOwn(_ name: String) -> Bool { ContenderName.isName(name, of: "a\(number).\(entry)") }

    var title: String { "a\(number) for \(paths)" }
    var phase: String {
        switch machine {
        case .queue(let machine): "\(machine.phase)"
        case .multi(let machine): "\(machine.phase), head of \(machine.heads.sorted().map { paths[$0].string })"
        }
    }
}

enum MultiPost {
    case queue(QueueMachine.Event)
    case multi(MultiLockMachine.Event)
    /// What both kinds understand.
    case both(Common)

    enum Common {
        case enter(uuid: String, isConnected: Bool, isVacant: Bool)
        case connected, suspended, release
        case sessionEnded(ZooKeeperError.Code)
        case giveUp(QueueMachine.Departure)
        case leaseEnded(LossReason)

        var forQueue: QueueMachine.Event {
            switch self {
            case .enter(let uuid, let isConnected, let isVacant):
                .enter(uuid: uuid, isConnected: isConnected, isVacant: isVacant)
            case .connected: .connected
            case .suspended: .suspended
            case .release: .release
            case .sessionEnded(let code): .sessionEnded(code)
            case .giveUp(let departure): .giveUp(departure)
            case .leaseEnded(let reason): .leaseEnded(reason)
            }
        }

        var forGroup: MultiLockMachine.Event {
            switch self {
            case .enter(let uuid, let isConnected, let isVacant):
                .enter(uuid: uuid, isConnected: isConnected, isVacant: isVacant)
            case .connected: .connected
            case .suspended: .suspended
            case .release: .release
            case .sessionEnded(let code): .sessionEnded(code)
            case .giveUp(let departure): .giveUp(departure)
            case .leaseEnded(let reason): .leaseEnded(reason)
            }
        }
    }
}

extension MultiWorld {
    // MARK: Rounds

    mutating func begin(_ number: Int) {
        contestants[number].rounds -= 1
        (contestants[number].isLost, contestants[number].isLeaving) = (false, false)
        let paths = contestants[number].paths
        contestants[number].stages =
            setting.takesOneFirst && paths.count > 1 ? [[paths[0]], Array(paths.dropFirst())] : [paths]
        startStage(number)
    }

    private mutating func startStage(_ number: Int) {
        let contestant = contestants[number]
        let stage = contestant.actors.count
        let paths = contestant.stages[stage]
        let isGroup = contestant.paths.count > 1 && !(setting.takesOneFirst && stage == 0)
        let machine: MultiActor.Machine =
            isGroup
            ? .multi(
                MultiLockMachine(
                    count: paths.count, onlyIfAvailable: contestant.isUnwilling, rules: setting.rules))
            : .queue(QueueMachine(onlyIfAvailable: false))
        let actor = MultiActor(
            number: actors.count, contestant: number, client: contestant.client, paths: paths, machine: machine)
        actors.append(actor)
        contestants[number].actors.append(actor.number)
        enter(actor.number)
    }

    private mutating func enter(_ actor: Int) {
        actors[actor].entry += 1
        actors[actor].pauses = []
        let uuid = "a\(actor).\(actors[actor].entry)"
        let isConnected = clients[actors[actor].client].isConnected
        let isVacant = countsOnVacancy(actor)
        actors[actor].hasListed = false
        post(
            actor, .both(.enter(uuid: uuid, isConnected: isConnected, isVacant: isVacant)), of: actors[actor].entry)
    }

    mutating func endBody(_ number: Int) {
        contestants[number].isInBody = false
        leave(number)
    }

    /// Gives up, or gives back.
    mutating func leave(_ number: Int) {
        contestants[number].isLeaving = true
        for actor in contestants[number].actors {
            post(actor, .both(actors[actor].isHolding ? .release : .giveUp(.cancelled)))
        }
    }

    // MARK: The driver

    mutating func post(_ actor: Int, _ post: MultiPost?, of entry: Int? = nil) {
        guard let post else { return }
        inbox.append((actor, post, entry))
        guard !isBusy else { return }
        isBusy = true
        while !inbox.isEmpty {
            let (actor, post, entry) = inbox.removeFirst()
            if let entry, entry != actors[actor].entry { continue }
            handle(actor, post)
        }
        isBusy = false
    }

    private mutating func handle(_ actor: Int, _ post: MultiPost) {
        let leaseIsValid = clients[actors[actor].client].leaseIsValid
        let title = actors[actor].title
        switch actors[actor].machine {
        case .queue(var machine):
            let event: QueueMachine.Event
            switch post {
            case .queue(let one): event = one
            case .both(let one): event = one.forQueue
            case .multi: return
            }
            let actions = machine.handle(event, leaseIsValid: leaseIsValid)
            note("\(title): \(event) -> \(actions)")
            actors[actor].machine = .queue(machine)
            for action in actions { perform(action, actor, in: nil) }
        case .multi(var machine):
            let event: MultiLockMachine.Event
            switch post {
            case .multi(let one): event = one
            case .both(let one): event = one.forGroup
            case .queue: return
            }
            let actions = machine.handle(event, leaseIsValid: leaseIsValid)
            note("\(title): \(event) -> \(actions)")
            actors[actor].machine = .multi(machine)
            for action in actions { perform(action, actor) }
        }
    }

    private mutating func ask(_ actor: Int, _ question: MultiQuestion, first: [Int] = []) {
        if question.lists { actors[actor].hasListed = true }
        let leaves = leaving(actor, question, first: first)
        let one = actors[actor]
        let request = question.request(one.paths)
        submit(
            MultiAsk(actor: actor, entry: one.entry, question: question, request: request, leaves: leaves), one.client)
    }

    private mutating func perform(_ action: QueueMachine.Action, _ actor: Int, in queue: Int?) {
        if let inquiry = Inquiry(action) {
            return join(actor, inquiry, in: queue) ? () : ask(actor, .inquiry(queue, inquiry))
        }
        switch action {
        case .grant(let own):
            granted(actor, [actors[actor].paths[0].appending(unchecked: own.name)], own.czxid)
        case .lose: lost(actor)
        case .pause(let pause, let step):
            actors[actor].pauses.append(
                (queue.map { .multi(.inQueue($0, .paused(step: step))) } ?? .queue(.paused(step: step)), pause))
        case .yield(let own):
            // By the name alone, as those of one session tell each other.
            for other in actors.indices where other != actor && actors[other].client == actors[actor].client {
                switch actors[other].machine {
                case .queue: post(other, .queue(.predecessorYielded(own.name)))
                case .multi:
                    for queue in actors[other].paths.indices {
                        post(other, .multi(.inQueue(queue, .predecessorYielded(own.name))))
                    }
                }
            }
        case .depart(let departure, _): departed(actor, departure)
        case .awaitSession: enter(actor)
        case .leaveBehind(let name, let failure): find(.failure, "a\(actor) leaves \(name) behind: \(failure.code)")
        case .end: ended(actor)
        default: break
        }
    }

    private mutating func perform(_ action: MultiLockMachine.Action, _ actor: Int) {
        let paths = actors[actor].paths
        switch action {
        case .create(let uuid): ask(actor, .enter(uuid: uuid))
        case .list(let step): for queue in paths.indices { ask(actor, .list(step: step, queue: queue)) }
        case .look: break
        case .makeParents(let step): for queue in paths.indices { ask(actor, .makeParent(step: step, queue: queue)) }
        case .identify(let node, let step): ask(actor, .identify(node, step: step))
        case .barrier(let step): ask(actor, .barrier(step: step))
        case .prove(let nodes, let step): ask(actor, .prove(nodes, step: step))
        case .removeAll(let nodes, let recording, let first):
            ask(actor, .removeAll(nodes, recording: recording), first: first)
        case .remove(let node): ask(actor, .remove(node))
        case .inQueue(let queue, let action): perform(action, actor, in: queue)
        case .pause(let pause, let step): actors[actor].pauses.append((.multi(.paused(step: step)), pause))
        case .grant(let nodes, let czxid):
            granted(actor, nodes.map { paths[$0.queue].appending(unchecked: $0.name) }, czxid)
        case .lose: lost(actor)
        case .depart(let departure, _, _): departed(actor, departure)
        case .awaitSession: enter(actor)
        case .leaveBehind(let node, let failure): find(.failure, "a\(actor) leaves \(node) behind: \(failure.code)")
        case .end: ended(actor)
        case .tellRevocation: break
        }
    }

    private mutating func granted(_ actor: Int, _ nodes: [NodePath], _ czxid: Int64) {
        let number = actors[actor].contestant
        (actors[actor].isHolding, actors[actor].nodes, actors[actor].czxid) = (true, nodes, czxid)
        actors[actor].session = clients[actors[actor].client].session
        judge(actor)
        if !actors[actor].hasListed {
            grantsWithoutList += 1
            if actors[actor].paths.count > 1 { groupGrantsWithoutList += 1 }
        }
        let contestant = contestants[number]
        guard !contestant.isLeaving else { return post(actor, .both(.release)) }
        guard contestant.actors.allSatisfy({ actors[$0].isHolding }) else { return }
        guard contestant.actors.count == contestant.stages.count else { return startStage(number) }
        contestants[number].isInBody = true
        bodies += 1
        if contestant.paths.count > 1 { groupBodies += 1 }
        judgeCompany(of: number)
    }

    private mutating func lost(_ actor: Int) {
        actors[actor].isLost = true
        contestants[actors[actor].contestant].isLost = true
        // The body is cancelled, and ends in its own time; where there is none yet, there is nothing to wait for.
        let number = actors[actor].contestant
        if !contestants[number].isInBody, !contestants[number].isLeaving { leave(number) }
    }

    private mutating func departed(_ actor: Int, _ departure: QueueMachine.Departure) {
        if case .failed(let failure, let operation) = departure {
            find(.failure, "a\(actor) fails: \(failure.code) (\(operation))")
        }
        let number = actors[actor].contestant
        if !contestants[number].isInBody, !contestants[number].isLeaving { leave(number) }
    }

    private mutating func ended(_ actor: Int) {
        actors[actor].isOver = true
        actors[actor].pauses = []
        let client = clients[actors[actor].client]
        let left = contenders.filter { node in
            ContenderName(String(node.name))?.belongs(to: "a\(actor).\(actors[actor].entry)") == true
                && tree.nodes[node]?.stat.ephemeralOwner == client.session && !client.isExpired
        }
        if !left.isEmpty { find(.leftover, "a\(actor) has ended, and \(left) are still there") }
        let number = actors[actor].contestant
        guard contestants[number].actors.allSatisfy({ actors[$0].isOver }) else { return }
        if contestants[number].isInBody, !contestants[number].isLost {
            find(.failure, "c\(number) ends during its body")
        }
        contestants[number].isInBody = false
        contestants[number].actors = []
    }

    // MARK: What is right

    private func isSpoilt(_ actor: Int) -> Bool { actors[actor].nodes.contains { deletedByHand.contains($0) } }

    private mutating func judge(_ actor: Int) {
        let one = actors[actor]
        guard clients[one.client].leaseIsValid else { return find(.exclusion, "a\(actor) is granted without a lease") }
        // It cannot know yet, and will be told in a moment.
        guard !isSpoilt(actor) else { return }
        for (path, node) in zip(one.paths, one.nodes) {
            if tree.nodes[node]?.stat.czxid != one.czxid {
                find(.allOrNothing, "\(one.title) is granted \(one.czxid) without \(node) of that number")
            }
            if let last = tokens[path], last >= one.czxid {
                find(.token, "\(one.title) is granted token \(one.czxid) after \(last) on \(path)")
            }
            tokens[path] = max(tokens[path] ?? 0, one.czxid)
        }
    }

    /// It is in its body, and its lease says that it may.
    private func believes(_ number: Int) -> Bool {
        let contestant = contestants[number]
        let client = clients[contestant.client]
        return contestant.isInBody && !contestant.isLost && client.leaseIsValid
            && contestant.actors.allSatisfy { actors[$0].session == client.session && !isSpoilt($0) }
    }

    private mutating func judgeCompany(of number: Int) {
        guard believes(number) else { return }
        let own = Set(contestants[number].paths)
        for other in contestants.indices where other != number && believes(other) {
            let common = own.intersection(contestants[other].paths)
            if !common.isEmpty { find(.exclusion, "c\(number) and c\(other) are both in their bodies with \(common)") }
        }
    }
}
