import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// Watches that contenders of one session share, as `Session.joinWatch` has them do.
extension World {
    /// One that waits for the answer to another's request.
    struct Follower {
        var contender: Int
        var entry: Int
        var inquiry: Inquiry
        var path: NodePath
    }

    /// Says whether no request is needed.
    mutating func join(_ number: Int, _ inquiry: Inquiry) -> Bool {
        guard let name = inquiry.joinable, !contenders[number].machine.isOwn(name) else { return false }
        let client = contenders[number].client
        let follower = Follower(
            contender: number, entry: contenders[number].entry, inquiry: inquiry,
            path: Self.path.appending(unchecked: name))
        if clients[client].watchedHere.contains(follower.path) {
            answer(follower, .success(()), client)
        } else if isAsked(follower.path, client) {
            guard !rules.joinsWatchesTooEarly else {
                answer(follower, .success(()), client)
                return true
            }
            clients[client].followers.append(follower)
        } else {
            return false
        }
        judge.watchesJoined += 1
        return true
    }

    private func isAsked(_ path: NodePath, _ client: Int) -> Bool {
        (clients[client].outstanding + clients[client].parked).contains { $0.request == .get(path, watch: true) }
    }

    private mutating func answer(_ follower: Follower, _ result: Result<Void, RequestFailure>, _ client: Int) {
        let watcher = Client.Watcher.contender(follower.contender, entry: follower.entry, follower.inquiry)
        if case .success = result { _ = clients[client].watches.join(watcher, at: follower.path) }
        post(follower.contender, follower.inquiry.event(result.map { .done }), of: follower.entry)
    }

    /// The answer to a request is there, and has been told to whoever made it.
    mutating func answerFollowers(of request: ServerRequest, _ result: Result<Void, RequestFailure>, _ client: Int) {
        guard case .get(let path, watch: true) = request else { return }
        let following = clients[client].followers.filter { $0.path == path }
        clients[client].followers.removeAll { $0.path == path }
        for follower in following { answer(follower, result, client) }
    }

    /// Those who waited for the answer to a request that is over without one.
    mutating func disappointFollowers(_ code: ZooKeeperError.Code, _ client: Int) {
        let all = clients[client].followers
        let lost = all.filter { !isAsked($0.path, client) }
        clients[client].followers = all.filter { isAsked($0.path, client) }
        for follower in lost { answer(follower, .failure(RequestFailure(code)), client) }
    }
}
