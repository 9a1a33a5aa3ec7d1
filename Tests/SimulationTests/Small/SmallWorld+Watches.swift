import ZooKeeper

@testable import ZooKeeperLocks

/// Watches that contenders of one session share, as `Session.joinWatch` has them do.
extension SmallWorld {
    enum Sharing {
        case isSet(QueueMachine.Event?)
        case isAsked
    }

    /// `nil`: a request is needed, or it is about something else.
    mutating func join(_ number: Int, _ action: QueueMachine.Action) -> Sharing? {
        guard let inquiry = Inquiry(action), let name = inquiry.joinable, !contestants[number].machine.isOwn(name)
        else {
            return nil
        }
        let client = contestants[number].client
        let ask = SmallAsk(contender: UInt8(number), entry: contestants[number].entry, inquiry: inquiry)
        let isSet = clients[client].watches.contains { $0.name == Name(name) && $0.isCurrent }
        guard isSet || isAsked(inquiry, client) else { return nil }
        note("c\(number) shares the watch on \(name)")
        watchesJoined += 1
        if isSet {
            clients[client].watches.append(.init(ask: ask, name: Name(name)))
        } else if !joinsWatchesTooEarly {
            clients[client].followers.append(ask)
        }
        if isSet, tellsOfWatchesLate {
            contestants[number].untold.append(inquiry)
            return .isAsked
        }
        return isSet || joinsWatchesTooEarly ? .isSet(inquiry.event(.success(.done))) : .isAsked
    }

    private func isAsked(_ inquiry: Inquiry, _ client: Int) -> Bool {
        clients[client].outstanding.contains { $0.inquiry == inquiry }
            || clients[client].parked.contains { $0.inquiry == inquiry }
    }

    /// An answer is there, and has been told to whoever asked.
    mutating func answerFollowers(of inquiry: Inquiry, _ answer: Result<Answer, RequestFailure>, _ client: Int) {
        guard let name = inquiry.joinable, !clients[client].followers.isEmpty else { return }
        let following = clients[client].followers.filter { $0.inquiry == inquiry }
        clients[client].followers.removeAll { $0.inquiry == inquiry }
        for ask in following {
            if case .success = answer { clients[client].watches.append(.init(ask: ask, name: Name(name))) }
            guard contestants[Int(ask.contender)].entry == ask.entry else { continue }
            post(Int(ask.contender), inquiry.event(answer))
        }
    }

    /// Those who waited for the answer to a question that is over without one.
    mutating func disappointFollowers(_ client: Int) {
        let all = clients[client].followers
        let lost = all.filter { !isAsked($0.inquiry, client) }
        clients[client].followers = all.filter { isAsked($0.inquiry, client) }
        for ask in lost { fail(ask, .connectionLost, isSent: true) }
    }
}
