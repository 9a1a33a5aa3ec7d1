@testable import ZooKeeper
@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// The queues that a client has had to itself, as `Session`, `Contender` and `MultiLockDriver` deal with them; see `Vacancy`.
extension MultiWorld {
    private mutating func change<Value>(_ client: Int, _ path: NodePath, _ body: (inout Vacancy) -> Value) -> Value {
        body(&clients[client].vacancies[path, default: Vacancy(setting.vacancy ?? Vacancy.Rules())])
    }

    /// Whether to save the listings.
    mutating func countsOnVacancy(_ actor: Int) -> Bool {
        guard setting.vacancy != nil else { return false }
        let (client, paths) = (actors[actor].client, actors[actor].paths)
        guard paths.allSatisfy({ clients[client].vacancies[$0]?.isPromising ?? false }) else { return false }
        for path in paths { _ = change(client, path) { $0.countOnIt() } }
        return true
    }

    /// What an answer says of the queues. Says whether nobody is ahead of new nodes.
    mutating func noteVacancies(_ client: Int, _ ask: MultiAsk, _ result: Result<Reply, Refusal>) -> Bool {
        guard setting.vacancy != nil else { return false }
        let paths = actors[ask.actor].paths
        switch (ask.question, result) {
        case (.watchParent(let path, let attempt), _):
            clients[client].watches.add(.init(inquiry: .watchParent(attempt: attempt)), for: ask.request, result)
            let isThere = if case .success = result { true } else { false }
            change(client, path) { isThere ? $0.watchIsSet(attempt) : $0.watchIsOver(attempt) }
        case (.inquiry(nil, .create), .success(.created(let node, _))):
            return hasMade(client, [String(node.name)], paths, isGroup: false)
        case (.enter, .success(let reply)):
            guard let entered = MultiLockMachine.Entered(reply, count: paths.count) else { return false }
            return hasMade(client, entered.names, paths, isGroup: true)
        case (.inquiry(nil, .delete), .success), (.removeAll, .success):
            for place in ask.leaves { left(client, place, ask) }
        default: break
        }
        return false
    }

    private mutating func hasMade(_ client: Int, _ names: [String], _ paths: [NodePath], isGroup: Bool) -> Bool {
        var isFirst = true
        for (queue, name) in names.enumerated() {
            guard let place = MultiAsk.Place(name, of: queue, paths, isGroup: isGroup) else { return false }
            if !change(client, place.path, { $0.made(place.number, last: place.last) }) { isFirst = false }
        }
        return isFirst
    }

    /// What is about to be left, of all that a question would remove: where nobody was ahead.
    mutating func leaving(_ actor: Int, _ question: MultiQuestion, first: [Int]) -> [MultiAsk.Place] {
        guard setting.vacancy != nil else { return [] }
        let paths = actors[actor].paths
        var places: [MultiAsk.Place?] = []
        switch (question, actors[actor].machine) {
        case (.inquiry(nil, .delete(let name, _)), .queue(let machine)) where machine.firstNode == name:
            places = [MultiAsk.Place(name, of: 0, paths, isGroup: false)]
        case (.removeAll(let nodes, _), _):
            places = nodes.filter { first.contains($0.queue) }
                .map { MultiAsk.Place($0.name, of: $0.queue, paths, isGroup: true) }
        default: break
        }
        let known = places.compactMap { $0 }
        for place in known { change(actors[actor].client, place.path) { $0.leaving(place.last) } }
        return known
    }

    private mutating func left(_ client: Int, _ place: MultiAsk.Place, _ ask: MultiAsk) {
        let attempt = change(client, place.path) { vacancy -> Int? in
            vacancy.left(place.last)
            return vacancy.wantsWatch()
        }
        guard let attempt else { return }
        let question = MultiQuestion.watchParent(place.path, attempt: attempt)
        submit(MultiAsk(actor: ask.actor, entry: ask.entry, question: question, request: question.request([])), client)
    }
}
