import Locking
import ZooKeeper

/// The requests behind the machine's questions, and the way of their answers back to it.
extension Contender {
    /// Sends the request that an action asks for.
    func request(_ action: QueueMachine.Action, _ session: Session, _ entry: Int) {
        let deadline = ContinuousClock.now + client.configuration.requestTimeout
        switch action {
        case .create(let prefix):
            let record = Owner.record(options, takesTurns: onReport != nil)
            // Of the others nobody writes it again, and thousands may wait.
            if policy.isCounted || policy.claim == .write { core.withLock { $0.record = record } }
            let request = Request.create(
                path.appending(unchecked: prefix), data: record, mode: .ephemeralSequential,
                acl: options.acl)
            session.submit(request, deadline: deadline) { [self] in
                let result = $0.mapError { $0.lacking("create", on: path) }.flatMap(\.own)
                var isFirst = false
                if !policy.isCounted, case .success(let own) = result,
                    let number = SequenceNumber(ofName: own.name)?.rawValue
                {
                    isFirst = session.hasMade(number, last: number, at: path)
                }
                post(.created(result, isFirst: isFirst), of: entry)
            }
        case .list(let step):
            let patience = client.configuration.requestTimeout
            // The next one would come too late: behind the removal, without the own node.
            session.list(path, within: patience, joining: step == QueueMachine.survey) { [self] in
                let queue = $0.map { $0.read { QueueListing($0) } }
                post(.listed(step: step, queue.mapError { $0.lacking("read", on: path) }), of: entry)
            }
        case .listAndWatch(let step):
            listAndWatch(step, session, entry, deadline)
        case .makeParents(let step):
            session.ensureExists(path, data: policy.parentData, acl: options.acl, deadline: deadline) { [self] in
                post(.parentsMade(step: step, $0), of: entry)
            }
        case .watch(let name, let byExists):
            guard isHeld(name, entry) else { return watch(name, byExists, session, entry, deadline) }
            // Most locks are held shortly, and this would be a third of the requests of a cycle that nobody competes for.
            session.putOff { [weak self] in
                guard let self, isHeld(name, entry) else { return }
                watch(name, byExists, session, entry, .now + client.configuration.requestTimeout)
            }
        case .look(let step):
            session.submit(.get(path, watch: nil), deadline: deadline) { [self] in
                post(.looked(step: step, $0.flatMap(\.data).map(ParentData.init)), of: entry)
            }
        case .poke(let name):
            poke(name, version: 0, session, entry, deadline)
        case .replace(let name, let reader):
            let operations: [Transaction.Operation] = [
                .create(
                    path.appending(unchecked: reader), data: core.withLock(\.record), mode: .ephemeral, acl: options.acl
                ),
                .delete(path.appending(unchecked: name), version: nil),
            ]
            session.submit(.commit(operations), deadline: deadline) { [self] in
                post(.replaced(reader, $0.map { _ in }), of: entry)
            }
        case .prove(let own, let step):
            let node = path.appending(unchecked: own.name)
            session.submit(.commit([.check(node, version: nil)]), deadline: deadline) { [self] result in
                guard case .failure(let failure) = result, failure.code == .notAuthorized else {
                    return post(.proved(step: step, result.map { _ in }), of: entry)
                }
                // The own node may not be read. Its watch looks after it; that the session lives, any write shows.
                session.submit(.commit([.check(path, version: nil)]), deadline: deadline) { [self] in
                    post(.proved(step: step, $0.map { _ in }), of: entry)
                }
            }
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
        case .delete(let name, let recording):
            let node = path.appending(unchecked: name)
            let request: Request =
                recording
                ? .commit([
                    .delete(node, version: nil), .set(path, data: ParentData.recording(name), version: nil),
                ])
                : .delete(node, version: nil)
            let first = core.withLock { $0.machine.firstNode == name } ? SequenceNumber(ofName: name)?.rawValue : nil
            if let first { session.isLeaving(first, at: path) }
            session.submit(request, deadline: deadline) { [self] in
                if let first, case .success = $0 { session.hasLeft(first, at: path, deadline: deadline) }
                post(.deleted(name: name, $0.map { _ in }), of: entry)
            }
        case .tellPosition, .grant, .lose, .tellRevocation, .yield, .tellDowngrade, .depart, .awaitSession,
            .leaveBehind, .cannotPoke, .displaced, .end, .pause:
            break
        }
    }

    private func listAndWatch(_ step: Int, _ session: Session, _ entry: Int, _ deadline: ContinuousClock.Instant) {
        do {
            let id = try reserveWatch(on: "", by: .children, session, entry).id
            session.submit(.children(path, watch: id), deadline: deadline) { [self] in
                post(.listed(step: step, $0.flatMap(\.queue)), of: entry)
            }
        } catch {
            post(.listed(step: step, .failure(error)), of: entry)
        }
    }

    /// Writes what stands in the node already. Somebody else may have written there, a request to give up say, which must not be lost.
    private func poke(
        _ name: String, version: Int32, data: [UInt8]? = nil, _ session: Session, _ entry: Int,
        _ deadline: ContinuousClock.Instant
    ) {
        let node = path.appending(unchecked: name)
        session.submit(.set(node, data: data ?? core.withLock(\.record), version: version), deadline: deadline) {
            [self] result in
            guard data == nil, case .failure(let failure) = result, failure.code == .badVersion else {
                return post(.poked(name, result.map { _ in }), of: entry)
            }
            session.submit(.get(node, watch: nil), deadline: deadline) { [self] result in
                switch result {
                case .success(.data(let data, let stat)):
                    poke(name, version: stat.version, data: data, session, entry, deadline)
                case .success: post(.poked(name, .failure(.unexpectedReply)), of: entry)
                case .failure(let failure): post(.poked(name, .failure(failure)), of: entry)
                }
            }
        }
    }

    private func watch(
        _ name: String, _ byExists: Bool, _ session: Session, _ entry: Int, _ deadline: ContinuousClock.Instant
    ) {
        let node = path.appending(unchecked: name)
        do {
            // Of the own node it matters what stands in it.
            let joins = !byExists && !isOwn(name)
            let (id, progress) = try reserveWatch(
                on: name, by: byExists ? .exists : .get, joins: joins, session, entry)
            if progress == .set { return core.withLock { $0.putFirst(.watched(name, .success(())), of: entry) } }
            guard progress == .unasked else { return }
            let request: Request = byExists ? .exists(node, watch: id) : .get(node, watch: id)
            session.submit(request, deadline: deadline) { [self] result in
                // Only data that was written over can ask for something.
                if case .success(.data(let data, let stat)) = result, stat.version > 0, isOwn(name),
                    let request = RevocationRequest(contendersData: data)
                {
                    post(.revocationRequested(name, request), of: entry)
                }
                post(.watched(name, result.map { _ in }), of: entry)
            }
        } catch {
            post(.watched(name, .failure(error)), of: entry)
        }
    }
}

// MARK: Watches

extension Contender {
    /// - Parameters:
    ///   - name: of a child; empty for the parent.
    ///   - joins: no request of its own is needed if there is another's; what comes of that is posted.
    private func reserveWatch(
        on name: String, by kind: Session.WatchKind, joins: Bool = false, _ session: Session, _ entry: Int
    ) throws(RequestFailure) -> (id: WatchID, progress: Session.WatchProgress) {
        let visit = core.withLock(\.visit)
        guard let visit, visit.entry == entry else { throw RequestFailure(.sessionExpired, wasNeverSent: true) }
        let handler: Session.WatchHandler = { visit.contender.watchEnded($0, visit.entry) }
        let (id, progress) =
            joins
            ? try session.joinWatch(on: path, child: name, handler: handler) {
                visit.contender.post(.watched(name, $0), of: visit.entry)
            } : (try session.reserveWatch(on: path, child: name, by: kind, handler: handler), .unasked)
        keep(id, of: session, entry)
        return (id, progress)
    }

    private func watchEnded(_ result: Result<WatchEvent, RequestFailure>, _ entry: Int) {
        // A session that ends is told of by itself.
        guard case .success(let event) = result else { return }
        let name = event.path == path ? QueueMachine.everybody : String(event.path.name)
        post(.changed(name, event.kind), of: entry)
    }

    /// To be forgotten in the end.
    func keep(_ watch: WatchID, of session: Session, _ entry: Int) {
        let isOver = core.withLock { core in
            guard core.isIn(entry) else { return true }
            core.watches.add(watch)
            return false
        }
        if isOver { session.forgetWatch(watch) }
    }

    private func isHeld(_ name: String, _ entry: Int) -> Bool {
        core.withLock { core in
            guard core.entry == entry, let stake = core.machine.stake else { return false }
            return stake.isHeld && stake.own.name == name
        }
    }

    private func isOwn(_ name: String) -> Bool {
        core.withLock { $0.machine.isOwn(name) }
    }
}

extension Reply {
    fileprivate var own: Result<QueueMachine.Own, RequestFailure> {
        guard case .created(let path, let stat) = self else { return .failure(.unexpectedReply) }
        return .success(QueueMachine.Own(name: String(path.name), czxid: stat.czxid))
    }

    var data: Result<[UInt8], RequestFailure> {
        guard case .data(let data, _) = self else { return .failure(.unexpectedReply) }
        return .success(data)
    }

    fileprivate var queue: Result<QueueListing, RequestFailure> {
        guard case .children(let names, _) = self else { return .failure(.unexpectedReply) }
        return .success(QueueListing(names))
    }

    var stat: Result<Stat, RequestFailure> {
        guard case .stat(let stat) = self else { return .failure(.unexpectedReply) }
        return .success(stat)
    }
}
