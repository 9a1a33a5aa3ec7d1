import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// Watches that those of one session share, as `Session.joinWatch` has them do.
extension MultiWorld {
    /// One that waits for the answer to another's request.
    struct Follower {
        var watcher: MultiClient.Watcher
        var path: NodePath
    }

    /// Says whether no request is needed.
    mutating func join(_ actor: Int, _ inquiry: Inquiry, in queue: Int?) -> Bool {
        guard let name = inquiry.joinable, !actors[actor].isOwn(name) else { return false }
        let client = actors[actor].client
        let follower = Follower(
            watcher: .init(actor: actor, entry: actors[actor].entry, queue: queue, inquiry: inquiry),
            path: actors[actor].paths[queue ?? 0].appending(unchecked: name))
        if clients[client].watchedHere.contains(follower.path) {
            answer(follower, .success(.done), client)
        } else if isAsked(follower.path, client) {
            clients[client].followers.append(follower)
        } else {
            return false
        }
        watchesJoined += 1
        return true
    }

    private func isAsked(_ path: NodePath, _ client: Int) -> Bool {
        (clients[client].outstanding + clients[client].parked).contains { $0.request == .get(path, watch: true) }
    }

    private mutating func answer(_ follower: Follower, _ answer: Result<Answer, RequestFailure>, _ client: Int) {
        if case .success = answer { _ = clients[client].watches.join(follower.watcher, at: follower.path) }
        guard let actor = follower.watcher.actor, let event = follower.watcher.inquiry.event(answer) else { return }
        let told: MultiPost = follower.watcher.queue.map { .multi(.inQueue($0, event)) } ?? .queue(event)
        post(actor, told, of: follower.watcher.entry)
    }

    /// The answer to a request is there, and has been told to whoever made it.
    mutating func answerFollowers(of ask: MultiAsk, _ result: Result<Void, RequestFailure>, _ client: Int) {
        guard case .get(let path, watch: true) = ask.request else { return }
        let following = clients[client].followers.filter { $0.path == path }
        clients[client].followers.removeAll { $0.path == path }
        for follower in following { answer(follower, result.map { .done }, client) }
    }

    /// Those who waited for the answer to a request that is over without one.
    mutating func disappointFollowers(_ client: Int) {
        let all = clients[client].followers
        let lost = all.filter { !isAsked($0.path, client) }
        clients[client].followers = all.filter { isAsked($0.path, client) }
        for follower in lost { answer(follower, .failure(RequestFailure(.connectionLost)), client) }
    }
}
