import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// A request of an attempt.
struct MultiAsk {
    var actor: Int
    var entry: Int
    var question: MultiQuestion
    var request: ServerRequest
    /// The removal of nodes that nobody was ahead of: the numbers that they had used up.
    var leaves: [Place] = []

    struct Place: Hashable, Sendable {
        var path: NodePath
        var number: Int32
        /// A group's transaction uses up two in the first of its queues.
        var last: Int32

        init?(_ name: String, of queue: Int, _ paths: [NodePath], isGroup: Bool) {
            guard let number = SequenceNumber(ofName: name)?.rawValue else { return nil }
            (path, self.number) = (paths[queue], number)
            last = isGroup && queue == 0 && paths.count > 1 ? number + 1 : number
        }
    }
}

/// What the driver asks the servers for on behalf of a machine, and how it words the answer: as `MultiLockDriver` does, and `Contender`.
enum MultiQuestion: Hashable, Sendable {
    /// Of one queue; `nil`: of a machine that has just one.
    case inquiry(Int?, Inquiry)
    case enter(uuid: String)
    case list(step: Int, queue: Int)
    case makeParent(step: Int, queue: Int)
    case identify(MultiLockMachine.Node, step: Int)
    case barrier(step: Int)
    case prove([MultiLockMachine.Node], step: Int)
    case removeAll([MultiLockMachine.Node], recording: [Int])
    case remove(MultiLockMachine.Node)
    /// Of no machine; see `Vacancy`.
    case watchParent(NodePath, attempt: Int)

    var lists: Bool {
        switch self {
        case .inquiry(_, let inquiry): inquiry.lists
        case .list: true
        default: false
        }
    }

    func request(_ paths: [NodePath]) -> ServerRequest {
        func path(_ node: MultiLockMachine.Node) -> NodePath { paths[node.queue].appending(unchecked: node.name) }
        switch self {
        case .inquiry(let queue, let inquiry): return inquiry.request(on: paths[queue ?? 0], .exclusive)
        case .enter(let uuid):
            let operations = MultiLockMachine.entry(paths, uuid: uuid, policy: .exclusive, record: [], acl: [.open])
            if operations.count == 1, case .create(let path, let data, let mode, let acl) = operations[0] {
                return .create(path, data: data, mode: mode, acl: acl)
            }
            return .commit(operations)
        case .list(_, let queue): return .children(paths[queue], watch: false)
        case .makeParent(_, let queue):
            return .create(paths[queue], data: ParentData.empty, mode: .container, acl: [.open])
        case .identify(let node, _): return .exists(path(node), watch: false)
        case .barrier: return .commit([.check(paths[0], version: nil)])
        case .prove(let nodes, _): return .commit(nodes.map { .check(path($0), version: nil) })
        case .removeAll(let nodes, let recording):
            return .commit(
                nodes.flatMap { node -> [Transaction.Operation] in
                    let word = ParentData.recording(node.name)
                    let delete = Transaction.Operation.delete(path(node), version: nil)
                    return recording.contains(node.queue)
                        ? [delete, .set(paths[node.queue], data: word, version: nil)] : [delete]
                })
        case .remove(let node): return .delete(path(node), version: nil)
        case .watchParent(let path, _): return .get(path, watch: true)
        }
    }

    /// - Parameter isFirst: of an entry.
    func post(_ result: Result<Reply, RequestFailure>, session: Int64, count: Int, isFirst: Bool = false) -> MultiPost?
    {
        let done = result.map { _ in }
        switch self {
        case .inquiry(let queue, let inquiry):
            var answer = result.map { $0.answer(of: session) }
            if case .makeParents = inquiry, case .failure(let failure) = result, failure.code == .nodeExists {
                answer = .success(.done)
            }
            guard let event = inquiry.event(answer, isFirst: isFirst) else { return nil }
            return queue.map { .multi(.inQueue($0, event)) } ?? .queue(event)
        case .enter:
            return .multi(
                .created(
                    result.flatMap { reply in
                        MultiLockMachine.Entered(reply, count: count).map { .success($0) } ?? .failure(.ofAnotherKind)
                    }, isFirst: isFirst))
        case .list(let step, let queue):
            return .multi(
                .listed(
                    step: step, queue: queue,
                    result.map { if case .children(let names, _) = $0 { QueueListing(names) } else { [] } }))
        case .makeParent(let step, let queue):
            if case .failure(let failure) = result, failure.code == .nodeExists {
                return .multi(.parentMade(step: step, queue: queue, .success(())))
            }
            return .multi(.parentMade(step: step, queue: queue, done))
        case .identify(_, let step):
            return .multi(
                .identified(
                    step: step,
                    result.map {
                        guard case .stat(let stat) = $0 else { return (0, false) }
                        return (stat.czxid, stat.ephemeralOwner == session)
                    }))
        case .barrier(let step): return .multi(.barrierPassed(step: step, done))
        case .prove(_, let step): return .multi(.proved(step: step, done))
        case .removeAll: return .multi(.removedAll(done))
        case .remove(let node): return .multi(.removed(node, done))
        case .watchParent: return nil
        }
    }
}
