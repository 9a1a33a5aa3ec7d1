internal import ZooKeeper

extension EnsembleModel {
    /// A packet of a client has reached its member.
    mutating func receive(_ packet: ClientPacket, on id: ConnectionID) {
        guard let connection = connections[id] else { return }
        // Nobody holds a copy of the tree while it changes: that would make a second one of it.
        if connection.session != 0 { touch(connection.session, at: connection.member) }
        switch packet {
        case .connect(let session, let timeout, let lastZxid):
            // One that is behind its client would show it the past.
            guard lastZxid <= members[connection.member]?.tree.lastZxid ?? 0 else { return close(id) }
            connect(id, session: session, timeout: timeout)
        case .ping:
            send(.pong, on: id)
        case .authenticate(let credential):
            guard let identity = Identity(credential, at: .loopback) else {
                send(.authenticated(false), on: id)
                return close(id)
            }
            if !connection.identities.contains(identity) { connections[id]?.identities.append(identity) }
            send(.authenticated(true), on: id)
        case .setWatches(let packet):
            guard let tree = members[connection.member]?.tree else { return }
            let events = members[connection.member]?.watches.set(packet, for: id, in: tree) ?? []
            for event in events { send(.event(event), on: id) }
            send(.watchesSet, on: id)
        case .request(let number, let request):
            receive(request, number, on: id, connection)
        }
    }

    private mutating func connect(_ id: ConnectionID, session: Int64, timeout: Int64) {
        guard let member = connections[id]?.member else { return }
        if session == 0 {
            lastSession += 1
            let bounds = 2 * configuration.tick...20 * configuration.tick
            let agreed = min(max(timeout, bounds.lowerBound), bounds.upperBound)
            let new = Int64(member.number + 1) << 56 | lastSession
            connections[id]?.timeout = agreed
            forward(.openSession(timeout: agreed), of: new, number: 0, on: id)
            return
        }
        // The client has a new connection, so the old one is of no use to anybody.
        for (other, connection) in connections
        where other != id && connection.session == session && connection.member == member { close(other) }
        if let leader = members[member]?.leader {
            send(.revalidate(session: session, connection: id), from: member, to: leader)
        } else {
            let timeout = revalidate(session, for: member)
            finishConnecting(id, session: session, timeout: timeout)
        }
    }

    /// - Returns: the timeout of the session; `nil` when there is none.
    mutating func revalidate(_ session: Int64, for member: MemberID) -> Int64? {
        withLeadership(of: leader(of: member)) { [now] leadership in
            guard leadership.sessions.touch(session, at: now) else { return nil }
            leadership.sessions.setOwner(member, of: session)
            return leadership.sessions.entries[session]?.timeout
        } ?? nil
    }

    mutating func finishConnecting(_ id: ConnectionID, session: Int64, timeout: Int64?) {
        guard connections[id] != nil else { return }
        guard let timeout else {
            send(.expired, on: id)
            return close(id)
        }
        connections[id]?.session = session
        connections[id]?.timeout = timeout
        send(.connected(session: session, timeout: timeout), on: id)
    }

    private mutating func receive(
        _ request: ServerRequest, _ number: Int, on id: ConnectionID, _ connection: Connection
    ) {
        guard connection.session != 0 else { return close(id) }
        if request.isWrite {
            connections[id]?.pending.append(.underway(number: number))
            forward(request, of: connection.session, number: number, on: id)
        } else if request == .sync {
            connections[id]?.pending.append(.underway(number: number))
            let origin = LoggedChange.Origin(connection: id, number: number)
            if let leader = members[connection.member]?.leader {
                send(.sync(origin), from: connection.member, to: leader)
            } else {
                sync(origin, for: connection.member)
            }
        } else {
            connections[id]?.pending.append(.read(number: number, request))
            answerReads(on: id)
        }
    }

    private mutating func forward(_ request: ServerRequest, of session: Int64, number: Int, on id: ConnectionID) {
        guard let connection = connections[id] else { return }
        let forwarded = ForwardedRequest(
            session: session, request: request, identities: connection.identities,
            origin: LoggedChange.Origin(connection: id, number: number))
        if let leader = members[connection.member]?.leader {
            send(.request(forwarded), from: connection.member, to: leader)
        } else {
            propose(forwarded, from: connection.member)
        }
    }

    /// Answers the reads that no write is ahead of, from what the member has applied.
    mutating func answerReads(on id: ConnectionID) {
        while let connection = connections[id], case .read(let number, let request)? = connection.pending.first {
            guard let tree = members[connection.member]?.tree else { return }
            connections[id]?.pending.removeFirst()
            let result = tree.read(request, identities: connection.identities)
            let isFound = if case .success = result { true } else { false }
            members[connection.member]?.watches.add(request, for: id, found: isFound)
            send(.answer(number: number, zxid: tree.lastZxid, result), on: id)
        }
    }

    /// Answers what was under way and is done now.
    mutating func answer(_ origin: LoggedChange.Origin, zxid: Int64, _ result: Result<Reply, Refusal>) {
        let id = origin.connection
        guard case .underway(origin.number)? = connections[id]?.pending.first else { return }
        connections[id]?.pending.removeFirst()
        if case .failure(let refusal) = result, refusal.code == .sessionMoved { return close(id) }
        send(.answer(number: origin.number, zxid: zxid, result), on: id)
        answerReads(on: id)
    }

    /// A member has heard from a session.
    private mutating func touch(_ session: Int64, at member: MemberID) {
        if members[member]?.leadership != nil {
            withLeadership(of: member) { [now] in _ = $0.sessions.touch(session, at: now) }
        } else {
            members[member]?.touched.insert(session)
        }
    }
}
