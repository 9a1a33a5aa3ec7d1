internal import ZooKeeper

/// The way of a write: proposed by the leader, acknowledged by a quorum, committed, applied by each member when it is told.
extension EnsembleModel {
    func leader(of member: MemberID) -> MemberID {
        members[member]?.leader ?? member
    }

    @discardableResult
    mutating func withLeadership<R>(of member: MemberID, _ body: (inout Leadership) -> R) -> R? {
        guard case .leading(var leadership) = members[member]?.role else { return nil }
        // Not held twice, so that the body changes it in place.
        members[member]?.role = .looking
        defer { members[member]?.role = .leading(leadership) }
        return body(&leadership)
    }

    /// The leader of `member` gives a write its place in the order.
    mutating func propose(_ forwarded: ForwardedRequest, from member: MemberID) {
        let leader = leader(of: member)
        propose(forwarded.session, forwarded.origin, by: leader) { leadership, now in
            switch forwarded.request {
            case .openSession(let timeout):
                leadership.sessions.track(forwarded.session, timeout: timeout, owner: member, at: now)
            case .closeSession:
                leadership.sessions.markClosing(forwarded.session)
            default:
                guard leadership.sessions.isOpen(forwarded.session) else {
                    return .refusal(.server(.sessionExpired))
                }
                if let owner = leadership.sessions.entries[forwarded.session]?.owner, owner != member {
                    return .refusal(.server(.sessionMoved))
                }
                // After an election nobody owns a session until its member writes.
                leadership.sessions.setOwner(member, of: forwarded.session)
            }
            return leadership.prepared.prepare(
                forwarded.request, session: forwarded.session, identities: forwarded.identities)
        }
    }

    mutating func propose(
        _ session: Int64, _ origin: LoggedChange.Origin? = nil, by leader: MemberID,
        _ prepare: (inout Leadership, _ now: Int64) -> TreeChange
    ) {
        let now = now
        let proposal = withLeadership(of: leader) { leadership in
            let change = prepare(&leadership, now)
            leadership.lastProposed += 1
            let logged = LoggedChange(
                zxid: leadership.lastProposed, time: now, session: session, change: change, origin: origin)
            _ = leadership.prepared.apply(logged)
            leadership.outstanding.append(Leadership.Proposal(logged: logged, acknowledged: [leader]))
            return (logged, leadership.followers.keys.sorted())
        }
        guard let (logged, followers) = proposal else { return }
        members[leader]?.proposed.append(logged)
        for follower in followers { send(.proposal(logged), from: leader, to: follower) }
        commitAcknowledged(at: leader)
    }

    /// Commits, in order, what a quorum has acknowledged.
    mutating func commitAcknowledged(at leader: MemberID) {
        while let proposal = members[leader]?.leadership?.outstanding.first,
            proposal.acknowledged.count >= configuration.quorum
        {
            let followers = withLeadership(of: leader) { leadership in
                leadership.outstanding.removeFirst()
                return leadership.followers.keys.sorted()
            }
            for follower in followers ?? [] { send(.commit(zxid: proposal.logged.zxid), from: leader, to: follower) }
            applyProposed(upTo: proposal.logged.zxid, at: leader)
            let behind = members[leader]?.leadership?.outstanding.first?.logged.zxid ?? .max
            answerSyncs(before: behind, at: leader)
        }
    }

    /// A member applies what it now knows to be committed: watches first, then the answer.
    mutating func applyProposed(upTo zxid: Int64, at member: MemberID) {
        while let logged = members[member]?.proposed.first, logged.zxid <= zxid {
            members[member]?.proposed.removeFirst()
            guard let (result, news) = members[member]?.tree.apply(logged) else { return }
            for change in news {
                for told in members[member]?.watches.fire(change) ?? [] { tell(told) }
            }
            finish(logged, result, at: member)
        }
    }

    private mutating func tell(_ told: ServerWatches.Told) {
        guard let connection = connections[told.connection],
            AccessControl.allows(told.acl, .read, connection.identities)
        else { return }
        send(.event(told.event), on: told.connection)
    }

    private mutating func finish(_ logged: LoggedChange, _ result: Result<Reply, Refusal>, at member: MemberID) {
        let origin = logged.origin.flatMap { connections[$0.connection]?.member == member ? $0 : nil }
        switch logged.change {
        case .openSession(let timeout):
            if let origin { finishConnecting(origin.connection, session: logged.session, timeout: timeout) }
        case .closeSession:
            if let origin { answer(origin, zxid: logged.zxid, result) }
            for (id, connection) in connections.sorted(by: { $0.key < $1.key })
            where connection.session == logged.session && connection.member == member { close(id) }
            withLeadership(of: member) { $0.sessions.remove(logged.session) }
        default:
            if let origin { answer(origin, zxid: logged.zxid, result) }
        }
    }

    // MARK: Sync

    /// Answers when everything that the leader has proposed so far is committed; at once, and without asking anybody, when it is.
    mutating func sync(_ origin: LoggedChange.Origin, for member: MemberID) {
        let leader = leader(of: member)
        let isBehind = withLeadership(of: leader) { leadership in
            guard let last = leadership.outstanding.last?.logged.zxid else { return false }
            leadership.syncs.append(Leadership.Sync(behind: last, member: member, origin: origin))
            return true
        }
        if isBehind == false { finishSync(origin, for: member, leader) }
    }

    private mutating func answerSyncs(before zxid: Int64, at leader: MemberID) {
        let ready = withLeadership(of: leader) { leadership in
            let ready = leadership.syncs.filter { $0.behind < zxid }
            leadership.syncs.removeAll { $0.behind < zxid }
            return ready
        }
        for sync in ready ?? [] { finishSync(sync.origin, for: sync.member, leader) }
    }

    private mutating func finishSync(_ origin: LoggedChange.Origin, for member: MemberID, _ leader: MemberID) {
        if member == leader {
            answer(origin, zxid: members[member]?.tree.lastZxid ?? 0, .success(.done))
        } else {
            send(.synced(origin), from: leader, to: member)
        }
    }
}
