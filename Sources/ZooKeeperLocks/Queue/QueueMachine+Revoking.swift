/// Being asked to give up. The request stands in the data of the own node, which is read whenever the watch on it is set: first, after each
/// change, and in each new connection. So it is told once, however often it is read, and none is missed.
extension QueueMachine {
    struct Revocation: Hashable, Sendable {
        var node: String
        var request: RevocationRequest
    }

    mutating func asked(_ node: String, _ request: RevocationRequest) {
        let news = Revocation(node: node, request: request)
        guard revocation != news else { return }
        revocation = news
        if case .held(let own, isLost: false) = phase { tellRevocation(own) }
    }

    /// Whoever waits is told when it holds.
    mutating func tellRevocation(_ own: Own) {
        guard let revocation, revocation.node == own.name else { return }
        actions.append(.tellRevocation(revocation.request))
    }
}
