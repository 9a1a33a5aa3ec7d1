import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// Knows what really is, and what must never be.
struct Judge {
    struct Node: Hashable {
        var czxid: Int64
        var session: Int64
    }

    private(set) var verdicts: [String] = []
    /// The contenders' znodes in the newest state that any member has applied.
    var contenderNames: [String: Node] = [:]
    /// By name: the last write by which it is surely gone.
    /// Somebody has come to the path that there is now.
    var hasHadChildren = false
    var deletions: [String: Int64] = [:]
    var deletedByHand: Set<String> = []
    var goneSince: [String: Int64] = [:]
    /// Since when it is somebody's turn.
    var turnSince: [String: Int64] = [:]
    var newest: Int64 = 0
    /// The largest token that was granted under a valid lease.
    var lastToken: Int64 = 0
    var grants = 0
    /// To who has not asked who else is there.
    var grantsWithoutList = 0
    /// Watches that nobody had to ask for.
    var watchesJoined = 0
    var sessionsEnded = 0
    /// Of two that believed to hold at the same time.
    var overlaps = 0

    /// A session has ended under a provisional lease after a stall, of which that promises nothing; see `LeaseClock`. What comes of it is
    /// nobody's fault.
    var isBeyondPromise = false
    var isDecided: Bool { isBeyondPromise || !verdicts.isEmpty }

    /// By name, so that a run is told in the same words each time.
    var inOrder: [(String, Node)] { contenderNames.sorted { $0.key < $1.key } }

    mutating func find(_ verdict: String) {
        verdicts.append(verdict)
    }
}

extension World {
    /// After each step.
    mutating func observe() {
        if let tree = model.members.values.map(\.tree).max(by: { $0.lastZxid < $1.lastZxid }),
            tree.lastZxid != judge.newest
        {
            observe(tree)
        }
        let now = now
        var valid: [Int] = []
        for contender in contenders where contender.isInBody && !contender.isLost {
            let client = clients[contender.client]
            // The lease is that of the session in which it was granted.
            guard client.session == contender.session, client.isValid(at: now) else { continue }
            if let name = contender.own?.name, judge.deletedByHand.contains(name), let gone = judge.goneSince[name] {
                // It takes the holder a moment to hear of it, or without a connection the rest of its lease.
                if now > gone + client.timeout { judge.find("c\(contender.number) goes on though \(name) is gone") }
                continue
            }
            valid.append(contender.number)
        }
        judgeTurns()
        if !mayHoldTogether(valid) {
            judge.overlaps += 1
            let names = valid.map { "c\($0) (\(contenders[$0].own?.name ?? ""))" }
            judge.find(
                "\(names.joined(separator: " and ")) are in their bodies at \(now) ms, and both leases are valid")
        }
    }

    private mutating func observe(_ tree: DataTree) {
        judge.newest = tree.lastZxid
        judgeLeases(tree)
        let parent = tree.nodes[Self.path]
        let children = parent?.children ?? []
        judge.hasHadChildren = parent.map { ![0, setting.firstSequence].contains($0.childrenCreated) } ?? false
        for path in children.sorted() {
            let name = String(path.name)
            guard judge.contenderNames[name] == nil, let node = tree.nodes[path] else { continue }
            // In a path that was made again there may be the same name again.
            judge.deletedByHand.remove(name)
            judge.deletions[name] = nil
            judge.contenderNames[name] = Judge.Node(czxid: node.czxid, session: node.stat.ephemeralOwner)
            judgeAppearance(name, node.stat.ephemeralOwner)
        }
        guard judge.contenderNames.count > children.count else { return }
        for (name, _) in judge.inOrder where !children.contains(Self.path.appending(unchecked: name)) {
            judge.contenderNames[name] = nil
            judge.deletions[name] = tree.lastZxid
            judge.goneSince[name] = now
            note("\(name) is gone")
        }
    }

    /// No session ends that is believed to live.
    private mutating func judgeLeases(_ tree: DataTree) {
        for client in clients where client.session != 0 && tree.sessions[client.session] == nil {
            guard client.isValid(at: now, confirmed: setting.confirmed) else { continue }
            if setting.excusesStalls, !client.isValid(at: now, confirmed: true),
                let lastStall, now - lastStall < client.timeout
            {
                judge.isBeyondPromise = true
                continue
            }
            let until = (setting.confirmed ? client.lease.confirmedUntil : client.lease.validUntil)?.milliseconds ?? 0
            judge.find(
                "the session of client \(client.number) has ended at \(now) ms, and is believed to live until \(until) ms"
            )
        }
    }

    private mutating func judgeAppearance(_ name: String, _ session: Int64) {
        note("\(name) is there")
        for contender in contenders where contender.isOver {
            guard let uuid = contender.uuids.last, ContenderName(name)?.belongs(to: uuid) == true else { continue }
            if clients[contender.client].session == session {
                judge.find("c\(contender.number) has ended; now \(name) appears")
            }
        }
    }

    mutating func judgeAction(_ number: Int, _ action: QueueMachine.Action) {
        let contender = contenders[number]
        func find(_ text: String) { judge.find("c\(number) \(text) at \(now) ms") }
        if contender.isOver { find("has ended, and wants \(action)") }
        switch action {
        case .grant(let own):
            if contender.isInBody || contender.hasEndedBody { find("is granted twice") }
            if contender.departure != nil { find("has departed, and is granted") }
            judgeGrant(number, own)
        case .depart(let departure, _):
            if contender.departure != nil { find("departs twice") }
            contenders[number].departure = departure
            if case .failed(let failure, let operation) = departure {
                find("fails: \(failure.code) \(failure.detail) (\(operation))")
            }
        case .delete(let name, _):
            if !contender.uuids.contains(where: { name.hasPrefix("_c_" + $0) }) {
                find("deletes \(name), which is not its own")
            }
            if contender.isInBody { find("deletes \(name) during its body") }
        case .leaveBehind(let name, let failure): find("leaves \(name) behind: \(failure.code)")
        case .end:
            if contender.isInBody, !contender.isLost { find("ends during its body") }
            for (name, node) in judge.inOrder where node.session == clients[contender.client].session {
                if contender.uuids.contains(where: { ContenderName(name)?.belongs(to: $0) == true }) {
                    find("has ended, and \(name) is still there")
                }
            }
        default: break
        }
    }

    private mutating func judgeGrant(_ number: Int, _ own: QueueMachine.Own) {
        let client = clients[contenders[number].client]
        func find(_ text: String) { judge.find("c\(number) (\(own.name), token \(own.czxid)) \(text) at \(now) ms") }
        judge.grants += 1
        if !contenders[number].hasListed { judge.grantsWithoutList += 1 }
        if let gone = judge.deletions[own.name], gone <= client.hasSeen, judge.deletedByHand.contains(own.name) {
            find("is granted though its client has seen a state without its node")
        }
        // Whose node was deleted by hand may not know it yet: what its client has seen decides, above.
        guard client.isValid(at: now), !judge.deletedByHand.contains(own.name) else { return }
        let policy = contenders[number].machine.policy
        if policy.excludesAll {
            if own.czxid <= judge.lastToken { find("is granted after token \(judge.lastToken)") }
            judge.lastToken = max(judge.lastToken, own.czxid)
        }
        if let node = judge.contenderNames[own.name] {
            if node.czxid != own.czxid { find("has the wrong token: \(node.czxid) is right") }
            if node.session != client.session { find("is granted by a node of session \(node.session)") }
        } else {
            find("is granted without its node")
        }
        // A reader that was a writer has the writer's place, and not that of the transaction that made it one.
        let ahead = judge.inOrder.filter { name, node in
            let isAhead =
                if case .readWrite = setting.recipe { precedes(name, own.name) } else { node.czxid < own.czxid }
            return isAhead && !(node.session == client.session && mayPass(name))
        }.map(\.0)
        if let name = inTheWay(of: policy, ahead) { find("is granted, but \(name) is ahead") }
    }

    /// Whether the node ahead belongs to one that has held and ended its body: same session, so the deletion may follow.
    private func mayPass(_ name: String) -> Bool {
        contenders.contains { $0.own?.name == name && $0.hasEndedBody }
    }
}
