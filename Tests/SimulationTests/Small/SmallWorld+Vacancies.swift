@testable import ZooKeeper
@testable import ZooKeeperLocks

/// The queue that a client has had to itself, as `Session` and `Contender` deal with it; see `Vacancy`.
extension SmallWorld {
    mutating func submit(_ ask: SmallAsk, _ client: Int) {
        guard clients[client].isConnected else { return clients[client].parked.append(ask) }
        clients[client].outstanding.append(ask)
        clients[client].toServer.append(ask)
    }

    /// Whether a question is for the removal of a node that nobody was ahead of.
    mutating func isLeaving(_ number: Int, _ client: Int, _ inquiry: Inquiry) -> Bool {
        guard case .delete(let name, _) = inquiry, contestants[number].machine.firstNode == name,
            clients[client].vacancy != nil
        else { return false }
        clients[client].vacancy?.leaving(Int32(Name(name).sequence))
        return true
    }

    /// What an answer says of the queue, for a client that may be alone in it. Says whether nobody is ahead of a new node.
    mutating func noteVacancy(_ number: Int, _ ask: SmallAsk, _ result: Result<Answer, SmallPacket.Refused>)
        -> Bool
    {
        switch (ask.inquiry, result) {
        case (.watchParent(let attempt), .success): clients[number].vacancy?.watchIsSet(attempt)
        case (.watchParent(let attempt), .failure): clients[number].vacancy?.watchIsOver(attempt)
        case (.create, .success(.created(let own))) where permits == nil:
            let sequence = Int32(Name(own.name).sequence)
            return clients[number].vacancy?.made(sequence, last: sequence) ?? false
        case (.delete(let name, _), .success) where ask.leaves:
            clients[number].vacancy?.left(Int32(Name(name).sequence))
            guard let attempt = clients[number].vacancy?.wantsWatch() else { break }
            submit(SmallAsk(contender: 0, entry: 0, inquiry: .watchParent(attempt: attempt)), number)
        default: break
        }
        return false
    }
}
