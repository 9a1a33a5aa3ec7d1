import Locking
import ZooKeeper

/// The requests behind the machine's questions, and the way of their answers back to it.
extension MultiLockDriver {
    func request(_ action: MultiLockMachine.Action, _ course: Course) {
        switch action {
        case .create(let uuid): create(uuid, course)
        case .list(let step):
            // Back to back, behind the transaction: one round trip for all.
            for (queue, path) in paths.enumerated() {
                list(path, course) { .listed(step: step, queue: queue, $0) }
            }
        case .look(let step):
            guard let stripes else { return }
            submit(.get(stripes.path, watch: nil), course) {
                .looked(step: step, $0.flatMap(\.data).map { StripeLayout($0) })
            }
        case .makeParents(let step): makeParents(step, course)
        case .identify(let node, let step):
            submit(.exists(path(node), watch: nil), course) {
                .identified(step: step, $0.flatMap(\.stat).map { ($0.czxid, $0.ephemeralOwner == course.session.id) })
            }
        case .barrier(let step):
            submit(.commit([.check(paths[0], version: nil)]), course) { .barrierPassed(step: step, $0.map { _ in }) }
        case .prove(let nodes, let step):
            submit(.commit(nodes.map { .check(path($0), version: nil) }), course) { [self] result in
                guard case .failure(let failure) = result, failure.code == .notAuthorized else {
                    return .proved(step: step, result.map { _ in })
                }
                // The own nodes may not be read. Their watches look after them; that the session lives, any write shows.
                submit(.commit([.check(paths[0], version: nil)]), course) { .proved(step: step, $0.map { _ in }) }
                return nil
            }
        case .removeAll(let nodes, let recording, let first):
            var operations: [Transaction.Operation] = []
            for node in nodes {
                operations.append(.delete(path(node), version: nil))
                guard recording.contains(node.queue) else { continue }
                operations.append(.set(paths[node.queue], data: ParentData.recording(node.name), version: nil))
            }
            let places = nodes.filter { first.contains($0.queue) }.compactMap { node in
                place(node).map { (path: paths[node.queue], last: $0.last) }
            }
            let (session, deadline) = (course.session, course.deadline)
            for place in places { session.isLeaving(place.last, at: place.path) }
            submit(.commit(operations), course) {
                if case .success = $0 {
                    for place in places { session.hasLeft(place.last, at: place.path, deadline: deadline) }
                }
                return .removedAll($0.map { _ in })
            }
        case .remove(let node):
            submit(.delete(path(node), version: nil), course) { .removed(node, $0.map { _ in }) }
        case .inQueue(let queue, let action): request(action, in: queue, course)
        case .pause, .grant, .lose, .tellRevocation, .depart, .awaitSession, .leaveBehind, .end: break
        }
    }

    /// - Parameter event: what the answer means; `nil` when it is not the last.
    private func submit(
        _ request: Request, _ course: Course,
        _ event: @escaping @Sendable (RequestResult) -> MultiLockMachine.Event?
    ) {
        course.session.submit(request, deadline: course.deadline) { [self] result in
            if let event = event(result) { post(event, of: course.entry, for: course.contender) }
        }
    }

    /// One listing for all of this session who ask at the same time.
    private func list(
        _ path: NodePath, _ course: Course,
        _ event: @escaping @Sendable (Result<QueueListing, RequestFailure>) -> MultiLockMachine.Event
    ) {
        course.session.list(path, within: course.contender.client.configuration.requestTimeout) { [self] in
            let queue = $0.map { $0.read { QueueListing($0) } }
            post(event(queue.mapError { $0.lacking("read", on: path) }), of: course.entry, for: course.contender)
        }
    }

    private func create(_ uuid: String, _ course: Course) {
        let options = course.options
        let operations = MultiLockMachine.entry(
            paths, uuid: uuid, policy: course.contender.policy, record: Owner.record(options), acl: options.acl)
        var request = Request.commit(operations)
        if operations.count == 1, case .create(let path, let data, let mode, let acl) = operations[0] {
            request = .create(path, data: data, mode: mode, acl: acl)
        }
        submit(request, course) { [self] result in
            let entered = result.mapError { failure in
                // What fails behind the contenders' own nodes is about the first path: it may be that nobody may delete there.
                let index = failure.failedOperation ?? 0
                let isOwn = index < paths.count
                var failure = failure.lacking(
                    isOwn || index == paths.count ? "create" : "delete", on: paths[isOwn ? index : 0])
                failure.failedOperation = isOwn ? index : 0
                return failure
            }.flatMap { reply -> Result<MultiLockMachine.Entered, RequestFailure> in
                MultiLockMachine.Entered(reply, count: paths.count).map { .success($0) } ?? .failure(.unexpectedReply)
            }
            var isFirst = false
            if case .success(let entered) = entered { isFirst = hasMade(entered.names, in: course.session) }
            return .created(entered, isFirst: isFirst)
        }
    }

    /// All at the same time, as the transaction names only the first that is missing; but stripes after what is above them all, which
    /// has something to say.
    private func makeParents(_ step: Int, _ course: Course) {
        let makeAll: @Sendable () -> Void = { [self] in
            for (queue, path) in paths.enumerated() {
                ensureExists(path, ParentData.empty, course) { [self] result in
                    post(.parentMade(step: step, queue: queue, result), of: course.entry, for: course.contender)
                }
            }
        }
        guard let stripes else { return makeAll() }
        ensureExists(stripes.path, stripes.layout.data, course) { [self] result in
            if case .success = result { return makeAll() }
            for queue in paths.indices {
                post(.parentMade(step: step, queue: queue, result), of: course.entry, for: course.contender)
            }
        }
    }

    private func ensureExists(
        _ path: NodePath, _ data: [UInt8], _ course: Course,
        handler: @escaping @Sendable (Result<Void, RequestFailure>) -> Void
    ) {
        let session = course.session
        session.ensureExists(path, data: data, acl: course.options.acl, deadline: course.deadline) { result in
            guard case .failure(let failure) = result, failure.code == .notAuthorized else { return handler(result) }
            // It may be another one that is missing, and this one there: whoever may not create it is not told so.
            session.submit(.exists(path, watch: nil), deadline: course.deadline) { found in
                if case .success = found { handler(.success(())) } else { handler(result) }
            }
        }
    }

    // MARK: In one queue

    private func request(_ action: QueueMachine.Action, in queue: Int, _ course: Course) {
        let path = paths[queue]
        switch action {
        case .list(let step):
            list(path, course) { .inQueue(queue, .listed(step: step, $0)) }
        case .look(let step):
            submit(.get(path, watch: nil), course) {
                .inQueue(queue, .looked(step: step, $0.flatMap(\.data).map(ParentData.init)))
            }
        case .watch(let name, let byExists):
            guard isHeld else { return watch(name, byExists, in: queue, course) }
            // Most locks are held shortly, and these are many of the requests of a cycle that nobody competes for.
            course.session.putOff { [weak self] in
                guard let self, isHeld else { return }
                watch(name, byExists, in: queue, course)
            }
        // The places in all queues are taken together: see ``MultiLockMachine``. What else there is belongs to other recipes.
        case .create, .makeParents, .listAndWatch, .poke, .replace, .prove, .barrier, .readNode, .delete: break
        case .tellPosition, .grant, .lose, .tellRevocation, .yield, .tellDowngrade, .depart, .awaitSession,
            .leaveBehind, .cannotPoke, .displaced, .end, .pause:
            break
        }
    }

    private var isHeld: Bool { core.withLock { $0.machine.isHeld } }

    private func watch(_ name: String, _ byExists: Bool, in queue: Int, _ course: Course) {
        let node = paths[queue].appending(unchecked: name)
        do {
            let handler: Session.WatchHandler = { [weak self] result in
                // A session that ends is told of by itself.
                guard let self, case .success(let event) = result else { return }
                post(.inQueue(queue, .changed(name, event.kind)), of: course.entry, for: course.contender)
            }
            let id: WatchID
            var progress = Session.WatchProgress.unasked
            // Of the own node it matters what stands in it.
            if byExists || isOwn(name) {
                id = try course.session.reserveWatch(
                    on: paths[queue], child: name, by: byExists ? .exists : .get, handler: handler)
            } else {
                (id, progress) = try course.session.joinWatch(on: paths[queue], child: name, handler: handler) {
                    [weak self] in
                    self?.post(.inQueue(queue, .watched(name, $0)), of: course.entry, for: course.contender)
                }
            }
            course.contender.keep(id, of: course.session, course.entry)
            if progress == .set {
                // Ahead of news of that very node, which another thread may have brought by now.
                return core.withLock {
                    $0.inbox.insert((.inQueue(queue, .watched(name, .success(()))), course.entry), at: 0)
                }
            }
            guard progress == .unasked else { return }
            submit(byExists ? .exists(node, watch: id) : .get(node, watch: id), course) { [self] result in
                // Only data that was written over can ask for something.
                if case .success(.data(let data, let stat)) = result, stat.version > 0, isOwn(name),
                    let request = RevocationRequest(contendersData: data)
                {
                    post(
                        .inQueue(queue, .revocationRequested(name, request)), of: course.entry, for: course.contender)
                }
                return .inQueue(queue, .watched(name, result.map { _ in }))
            }
        } catch {
            post(.inQueue(queue, .watched(name, .failure(error))), of: course.entry, for: course.contender)
        }
    }

    private func isOwn(_ name: String) -> Bool {
        core.withLock { ContenderName.isName(name, of: $0.machine.uuid) }
    }
}

/// Queues that nobody else has lately come to; see ``Vacancy``.
extension MultiLockDriver {
    func countsOnVacancy(_ session: Session) -> Bool {
        session.countsOnVacancy(atAll: paths)
    }

    /// - Returns: nobody is ahead in any queue.
    fileprivate func hasMade(_ names: [String], in session: Session) -> Bool {
        var isFirst = true
        for (queue, name) in names.enumerated() {
            guard let place = place(Node(queue: queue, name: name)) else { return false }
            if !session.hasMade(place.number, last: place.last, at: paths[queue]) { isFirst = false }
        }
        return isFirst
    }

    /// The numbers that the transaction has used up in one queue.
    fileprivate func place(_ node: Node) -> (number: Int32, last: Int32)? {
        guard let number = SequenceNumber(ofName: node.name)?.rawValue else { return nil }
        // The node that nobody sees has one, too; see `MultiLockMachine.entry`.
        let hasAnother = node.queue == 0 && paths.count > 1
        return (number, hasAnother && number < .max ? number + 1 : number)
    }

    fileprivate typealias Node = MultiLockMachine.Node
}
