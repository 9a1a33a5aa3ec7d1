import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// What a driver asks the servers for on behalf of a machine, and how it words the answer: as `Contender` does.
enum Inquiry: Hashable, Sendable {
    case create(prefix: String)
    case list(step: Int)
    case listAndWatch(step: Int)
    case makeParents(step: Int)
    case watch(String, byExists: Bool)
    case look(step: Int)
    case prove(String, step: Int)
    case barrier(step: Int)
    case read(String, step: Int)
    case delete(String, recording: Bool)
    case poke(String)
    case replace(String, with: String)
    /// Of no machine: read the lock's path and watch it; see `Vacancy`.
    case watchParent(attempt: Int)

    /// `nil` for an action that asks the servers for nothing.
    init?(_ action: QueueMachine.Action) {
        switch action {
        case .create(let prefix): self = .create(prefix: prefix)
        case .list(let step): self = .list(step: step)
        case .listAndWatch(let step): self = .listAndWatch(step: step)
        case .makeParents(let step): self = .makeParents(step: step)
        case .watch(let name, let byExists): self = .watch(name, byExists: byExists)
        case .look(let step): self = .look(step: step)
        case .prove(let own, let step): self = .prove(own.name, step: step)
        case .barrier(let step): self = .barrier(step: step)
        case .readNode(let name, let step): self = .read(name, step: step)
        case .delete(let name, let recording): self = .delete(name, recording: recording)
        case .poke(let name): self = .poke(name)
        case .replace(let name, let reader): self = .replace(name, with: reader)
        case .pause, .tellPosition, .grant, .lose, .tellRevocation, .yield, .tellDowngrade, .depart, .awaitSession,
            .leaveBehind, .cannotPoke, .displaced, .end:
            return nil
        }
    }

    var isWrite: Bool {
        switch self {
        case .create, .makeParents, .prove, .barrier, .delete, .poke, .replace: true
        case .list, .listAndWatch, .watch, .look, .read, .watchParent: false
        }
    }

    /// The node of which a watch will do that the session has set already.
    var joinable: String? {
        if case .watch(let name, byExists: false) = self { name } else { nil }
    }

    var lists: Bool {
        switch self {
        case .list, .listAndWatch: true
        default: false
        }
    }

    /// The event that tells the machine what came of it; `nil`: it is nothing to a machine.
    ///
    /// - Parameter isFirst: of a creation; see `Vacancy`.
    func event(_ answer: Result<Answer, RequestFailure>, isFirst: Bool = false) -> QueueMachine.Event? {
        switch self {
        case .create:
            .created(
                answer.flatMap {
                    if case .created(let own) = $0 { .success(own) } else { .failure(.ofAnotherKind) }
                }, isFirst: isFirst)
        case .list(let step), .listAndWatch(let step):
            .listed(
                step: step,
                answer.flatMap {
                    guard case .names(let names) = $0 else { return .failure(.ofAnotherKind) }
                    return .success(QueueListing(names))
                })
        case .makeParents(let step): .parentsMade(step: step, answer.map { _ in })
        case .watch(let name, _): .watched(name, answer.map { _ in })
        case .look(let step):
            .looked(
                step: step,
                answer.flatMap { if case .data(let data) = $0 { .success(data) } else { .failure(.ofAnotherKind) } })
        case .prove(_, let step): .proved(step: step, answer.map { _ in })
        case .barrier(let step): .barrierPassed(step: step, answer.map { _ in })
        case .read(_, let step):
            .nodeRead(
                step: step,
                answer.flatMap {
                    guard case .node(let czxid, let isOurs) = $0 else { return .failure(.ofAnotherKind) }
                    return .success((Stat(czxid: czxid), isOurs: isOurs))
                })
        case .delete(let name, _): .deleted(name: name, answer.map { _ in })
        case .poke(let name): .poked(name, answer.map { _ in })
        case .replace(_, let reader): .replaced(reader, answer.map { _ in })
        case .watchParent: nil
        }
    }

    /// The event that tells the machine what a watch of this inquiry has seen.
    func event(_ kind: WatchEvent.Kind) -> QueueMachine.Event? {
        switch self {
        case .watch(let name, _): .changed(name, kind)
        case .listAndWatch: .changed(QueueMachine.everybody, kind)
        default: nil
        }
    }
}

/// What the servers answer.
enum Answer: Hashable, Sendable {
    case done
    case created(QueueMachine.Own)
    case names([String])
    case data(ParentData)
    case node(czxid: Int64, isOurs: Bool)
}

extension RequestFailure {
    static let ofAnotherKind = RequestFailure(.internalInconsistency, detail: "an answer of another kind")
}
