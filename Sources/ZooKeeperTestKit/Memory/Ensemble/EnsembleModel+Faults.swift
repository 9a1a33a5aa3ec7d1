/// What breaks, and how an ensemble gets over it.
extension EnsembleModel {
    // MARK: The network between members

    /// No message passes between these two any more, until ``heal()``. What is under way waits.
    package mutating func cut(_ one: MemberID, _ other: MemberID) {
        guard one != other else { return }
        cuts.insert([min(one, other), max(one, other)])
    }

    /// Cuts a member off from all others. It goes on serving its clients until it misses the leader's pings, or its followers.
    package mutating func isolate(_ member: MemberID) {
        for other in members.keys { cut(member, other) }
    }

    package mutating func heal() {
        cuts = []
    }

    func reach(_ one: MemberID, _ other: MemberID) -> Bool {
        one == other || !cuts.contains([min(one, other), max(one, other)])
    }

    /// The connection between two members is over, and what was under way on it.
    mutating func unlink(_ one: MemberID, _ other: MemberID) {
        links[.between(one, other)] = nil
        links[.between(other, one)] = nil
    }

    // MARK: Members

    /// A member stops to lead or to follow, and closes the connections of its clients.
    package mutating func leave(_ member: MemberID) {
        guard members[member]?.isServing == true else { return }
        members[member]?.role = .looking
        members[member]?.touched = []
        members[member]?.relays = []
        for other in members.keys { unlink(member, other) }
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) where connection.member == member {
            close(id)
        }
        for other in members.keys {
            // A connection that ends is noticed at once, unless nothing gets through.
            guard other != member, reach(other, member) else { continue }
            if members[other]?.leader == member { leave(other) }
            withLeadership(of: other) { $0.followers[member] = nil }
        }
    }

    /// A member's process ends. What it has logged is kept.
    package mutating func crash(_ member: MemberID) {
        leave(member)
        members[member]?.role = .down
    }

    /// A crashed member runs again, without a leader as yet.
    package mutating func restart(_ member: MemberID) {
        if case .down = members[member]?.role { members[member]?.role = .looking }
    }

    // MARK: Leaders

    /// The members without a leader elect this one.
    ///
    /// - Returns: whether they could: a quorum of them has to be in reach, and none of that quorum may have a longer log. So the
    ///   winner has every committed change.
    @discardableResult
    package mutating func elect(_ candidate: MemberID) -> Bool {
        guard let end = members[candidate]?.lastLogged, members[candidate]?.role == .looking else { return false }
        let voters = members.keys.sorted().filter {
            members[$0]?.role == .looking && reach($0, candidate) && (members[$0]?.lastLogged ?? .max) <= end
        }
        guard voters.count >= configuration.quorum else { return false }
        epoch += 1
        // All that the new leader has logged counts as committed when its quorum has it.
        applyProposed(upTo: .max, at: candidate)
        guard let tree = members[candidate]?.tree else { return false }
        var sessions = SessionTracker(tick: configuration.tick)
        for (session, timeout) in tree.sessions { sessions.track(session, timeout: timeout, owner: nil, at: now) }
        members[candidate]?.role = .leading(
            Leadership(
                prepared: tree, lastProposed: epoch << 32, sessions: sessions,
                nextPing: now + max(1, configuration.tick / 2), nextCleaning: now + configuration.cleaningInterval))
        for voter in voters where voter != candidate { join(voter) }
        return true
    }

    /// A member without a leader follows one that it can reach, and gets its state.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package mutating func join(_ member: MemberID) -> Bool {
        guard members[member]?.role == .looking else { return false }
        // An old leader may not know yet that it is none any more.
        let leaders = members.keys.filter { members[$0]?.leadership != nil && reach($0, member) }
        guard
            let leader = leaders.max(by: {
                (members[$0]?.leadership?.lastProposed ?? 0) < (members[$1]?.leadership?.lastProposed ?? 0)
            }), let leadership = members[leader]?.leadership, let tree = members[leader]?.tree
        else { return false }
        members[member]?.role = .following(leader, heardAt: now)
        members[member]?.tree = tree
        members[member]?.proposed = []
        let now = now
        withLeadership(of: leader) { $0.followers[member] = now }
        for proposal in leadership.outstanding { send(.proposal(proposal.logged), from: leader, to: member) }
        return true
    }
}
