import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// The queue that a client has had to itself, as `Session` and `Contender` deal with it; see `Vacancy`.
extension World {
    /// The answer to a creation is there. Says whether nobody is known to be ahead.
    mutating func isFirst(_ client: Int, _ contender: Int, _ answer: Result<Answer, RequestFailure>) -> Bool {
        guard !contenders[contender].machine.policy.isCounted, case .success(.created(let own)) = answer,
            let number = SequenceNumber(ofName: own.name)?.rawValue
        else { return false }
        return clients[client].vacancy.made(number, last: number)
    }

    /// A node is about to be deleted. Returns its number, if nobody was ahead of it.
    mutating func leaving(_ client: Int, _ contender: Int, _ inquiry: Inquiry) -> Int32? {
        guard case .delete(let name, _) = inquiry, contenders[contender].machine.firstNode == name,
            let last = SequenceNumber(ofName: name)?.rawValue
        else { return nil }
        clients[client].vacancy.leaving(last)
        return last
    }

    mutating func left(_ client: Int, _ last: Int32) {
        clients[client].vacancy.left(last)
        guard let attempt = clients[client].vacancy.wantsWatch() else { return }
        clients[client].lastVacancyWatch = attempt
        submit(.get(Self.path, watch: true), for: .vacancy(attempt), client)
    }

    mutating func watched(
        _ client: Int, _ attempt: Int, _ request: Client.Request, _ result: Result<Reply, Refusal>
    ) {
        clients[client].watches.add(.vacancy(attempt), for: request.request, result)
        // Whoever has not waited so long has forgotten it.
        guard !request.isAbandoned else { return }
        if case .success = result {
            clients[client].vacancy.watchIsSet(attempt)
        } else {
            clients[client].vacancy.watchIsOver(attempt)
        }
    }
}
