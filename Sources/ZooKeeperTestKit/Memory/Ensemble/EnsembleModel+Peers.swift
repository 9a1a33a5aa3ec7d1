internal import ZooKeeper

/// What members tell each other.
extension EnsembleModel {
    mutating func receive(_ message: PeerMessage, from sender: MemberID, at member: MemberID) {
        switch members[member]?.role {
        case .leading: receiveAsLeader(message, from: sender, at: member)
        case .following(sender, _):
            members[member]?.role = .following(sender, heardAt: now)
            receiveAsFollower(message, from: sender, at: member)
        // Its connections with others ended when it stopped to lead or to follow.
        case .following, .looking, .down, nil: break
        }
    }

    private mutating func receiveAsLeader(_ message: PeerMessage, from follower: MemberID, at leader: MemberID) {
        guard members[leader]?.leadership?.followers[follower] != nil else { return }
        let now = now
        withLeadership(of: leader) { $0.followers[follower] = now }
        switch message {
        case .request(let forwarded):
            propose(forwarded, from: follower)
        case .acknowledge(let zxid):
            withLeadership(of: leader) { leadership in
                for index in leadership.outstanding.indices where leadership.outstanding[index].logged.zxid == zxid {
                    leadership.outstanding[index].acknowledged.insert(follower)
                }
            }
            commitAcknowledged(at: leader)
        case .touched(let sessions):
            withLeadership(of: leader) { leadership in
                for session in sessions { leadership.sessions.touch(session, at: now) }
            }
        case .revalidate(let session, let connection):
            let timeout = revalidate(session, for: follower)
            send(
                .revalidated(session: session, connection: connection, timeout: timeout), from: leader, to: follower)
        case .sync(let origin):
            sync(origin, for: follower)
        case .proposal, .commit, .ping, .revalidated, .synced:
            break
        }
    }

    private mutating func receiveAsFollower(_ message: PeerMessage, from leader: MemberID, at member: MemberID) {
        switch message {
        case .proposal(let logged):
            members[member]?.proposed.append(logged)
            send(.acknowledge(zxid: logged.zxid), from: member, to: leader)
        case .commit(let zxid):
            applyProposed(upTo: zxid, at: member)
        case .ping:
            let touched = members[member]?.touched ?? []
            members[member]?.touched = []
            guard relayLateness > 0 || members[member]?.relays.isEmpty == false else {
                return send(.touched(touched), from: member, to: leader)
            }
            let due = max(now + relayLateness, members[member]?.relays.last?.due ?? now)
            members[member]?.relays.append(Member.Relay(due: due, sessions: touched))
        case .revalidated(let session, let connection, let timeout):
            finishConnecting(connection, session: session, timeout: timeout)
        case .synced(let origin):
            answer(origin, zxid: members[member]?.tree.lastZxid ?? 0, .success(.done))
        case .request, .acknowledge, .touched, .revalidate, .sync:
            break
        }
    }
}
