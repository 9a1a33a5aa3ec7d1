import ZooKeeper

/// The requests behind the machine's questions, and the way of their answers back to it.
extension Contender {
    /// Sends the request that an action asks for.
    func request(_ action: QueueMachine.Action, _ session: Session, _ entry: Int) {
        let deadline = ContinuousClock.now + client.configuration.requestTimeout
        switch action {
        case .create(let prefix):
            let request = Request.create(
                path.appending(unchecked: prefix), data: Owner.current(label: label).data, mode: .ephemeralSequential,
                acl: acl)
            session.submit(request, deadline: deadline) { [self] in post(.created($0.flatMap(\.own)), of: entry) }
        case .list(let step):
            session.submit(.children(path, watch: nil), deadline: deadline) { [self] in
                post(.listed(step: step, $0.flatMap(\.names)), of: entry)
            }
        case .makeParents(let step):
            session.ensureExists(path, acl: acl, deadline: deadline) { [self] in
                post(.parentsMade(step: step, $0), of: entry)
            }
        case .watchPredecessor(let name, let byExists, let step):
            watch(name, byExists, step, session, entry, deadline)
        case .barrier(let step):
            session.submit(.commit([.check(path, version: nil)]), deadline: deadline) { [self] in
                post(.barrierPassed(step: step, $0.map { _ in }), of: entry)
            }
        case .readNode(let name, let step):
            session.submit(.exists(path.appending(unchecked: name), watch: nil), deadline: deadline) { [self] in
                post(
                    .nodeRead(step: step, $0.flatMap(\.stat).map { ($0, isOurs: $0.ephemeralOwner == session.id) }),
                    of: entry)
            }
        case .delete(let name):
            session.submit(.delete(path.appending(unchecked: name), version: nil), deadline: deadline) { [self] in
                post(.deleted(name: name, $0.map { _ in }), of: entry)
            }
        case .tellPosition, .grant, .lose, .depart, .awaitSession, .leaveBehind, .end, .pause:
            break
        }
    }

    private func watch(
        _ name: String, _ byExists: Bool, _ step: Int, _ session: Session, _ entry: Int,
        _ deadline: ContinuousClock.Instant
    ) {
        let node = path.appending(unchecked: name)
        do {
            let id = try session.reserveWatch(on: node, by: byExists ? .exists : .get) { [weak self] result in
                // A session that ends is told of by itself.
                if case .success(let event) = result {
                    self?.post(.predecessorChanged(step: step, event.kind), of: entry)
                }
            }
            let request: Request = byExists ? .exists(node, watch: id) : .get(node, watch: id)
            session.submit(request, deadline: deadline) { [self] in
                post(.predecessorRead(step: step, $0.map { _ in }), of: entry)
            }
        } catch {
            post(.predecessorRead(step: step, .failure(error)), of: entry)
        }
    }
}

extension Reply {
    fileprivate var own: Result<QueueMachine.Own, RequestFailure> {
        guard case .created(let path, let stat) = self else { return .failure(.unexpectedReply) }
        return .success(QueueMachine.Own(name: String(path.name), czxid: stat.czxid))
    }

    fileprivate var names: Result<[String], RequestFailure> {
        guard case .children(let names, _) = self else { return .failure(.unexpectedReply) }
        return .success(names)
    }

    fileprivate var stat: Result<Stat, RequestFailure> {
        guard case .stat(let stat) = self else { return .failure(.unexpectedReply) }
        return .success(stat)
    }
}

extension RequestFailure {
    fileprivate static let unexpectedReply = RequestFailure(.internalInconsistency, detail: "an answer of another kind")
}
