/// The clock, and what happens by the clock alone.
extension EnsembleModel {
    /// When something is due that no message brings about.
    package var nextDue: Int64 {
        members.values.lazy.map { member in
            switch member.role {
            case .leading(let leadership):
                min(leadership.nextPing, leadership.nextCleaning, leadership.sessions.nextExpiry ?? .max)
            case .following(_, let heardAt):
                min(heardAt + configuration.patience + 1, member.relays.first?.due ?? .max)
            case .looking, .down: Int64.max
            }
        }.min() ?? .max
    }

    /// Lets time pass. What comes due on the way happens at its time, in order; messages stay where they are.
    package mutating func advance(to time: Int64) {
        while nextDue <= time {
            now = max(now, nextDue)
            for member in members.keys.sorted() { act(member) }
        }
        now = max(now, time)
    }

    private mutating func act(_ member: MemberID) {
        switch members[member]?.role {
        case .leading: lead(member)
        case .following(let leader, let heardAt):
            if now - heardAt > configuration.patience { return leave(member) }
            while let relay = members[member]?.relays.first, relay.due <= now {
                members[member]?.relays.removeFirst()
                send(.touched(relay.sessions), from: member, to: leader)
            }
        case .looking, .down, nil: break
        }
    }

    private mutating func lead(_ leader: MemberID) {
        guard let leadership = members[leader]?.leadership else { return }
        for session in leadership.sessions.overdue(at: now) { expire(session, by: leader) }
        if leadership.nextCleaning <= now { clean(leader) }
        guard leadership.nextPing <= now else { return }
        for (follower, heardAt) in leadership.followers.sorted(by: { $0.key < $1.key })
        where now - heardAt > configuration.patience {
            withLeadership(of: leader) { $0.followers[follower] = nil }
            unlink(leader, follower)
        }
        let followers = members[leader]?.leadership?.followers.keys.sorted() ?? []
        guard followers.count + 1 >= configuration.quorum else { return leave(leader) }
        for follower in followers { send(.ping, from: leader, to: follower) }
        let next = now + max(1, configuration.tick / 2) + pingLateness
        withLeadership(of: leader) { $0.nextPing = next }
    }

    private mutating func clean(_ leader: MemberID) {
        let next = now + configuration.cleaningInterval
        withLeadership(of: leader) { $0.nextCleaning = next }
        for path in members[leader]?.tree.removable(at: now) ?? [] {
            propose(0, by: leader) { leadership, _ in leadership.prepared.prepareRemoval(of: path) }
        }
    }

    /// The leader ends a session, as it does when nobody has heard from it for too long.
    package mutating func expire(_ session: Int64) {
        for member in members.keys.sorted() where members[member]?.leadership?.sessions.isOpen(session) == true {
            expire(session, by: member)
        }
    }

    private mutating func expire(_ session: Int64, by leader: MemberID) {
        propose(session, by: leader) { leadership, _ in
            leadership.sessions.markClosing(session)
            return .closeSession
        }
    }
}
