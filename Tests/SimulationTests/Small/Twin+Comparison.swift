import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// What has to be the same.
extension Twin {
    mutating func differ(_ text: String) {
        difference = difference ?? text
    }

    mutating func deliver(_ number: Int, _ packet: SmallPacket?) {
        comparisons += 1
        guard let packet else { return differ("nothing arrives") }
        if case .deleted(let name) = packet, let index = clients[number].events.firstIndex(of: name.string) {
            clients[number].events.remove(at: index)
            return
        }
        while let theirs = model.deliver(.toClient(clients[number].connection)) {
            switch (theirs, packet) {
            case (.event(let event), .deleted(let name)) where event.kind == .deleted:
                // Watches that are set again fire in an order of their own.
                if event.path.name == name.string { return }
                clients[number].events.append(String(event.path.name))
            case (.event(let event), .changed(.parent)) where event.kind == .dataChanged && event.path == World.path:
                return
            case (.answer(let request, _, let result), .answer(let ask, let ours)):
                return compare(number, asks[request], ask, result, ours)
            case (.watchesSet, _): continue
            default: return differ("client \(number) gets \(theirs), and \(packet)")
            }
        }
        differ("client \(number) gets nothing, and \(packet)")
    }

    private mutating func compare(
        _ number: Int, _ asked: SmallAsk?, _ ask: SmallAsk, _ theirs: Result<Reply, Refusal>,
        _ ours: Result<Answer, SmallPacket.Refused>
    ) {
        guard let asked, (asked.contender, asked.entry, asked.inquiry) == (ask.contender, ask.entry, ask.inquiry) else {
            return differ("client \(number) gets an answer to \(String(describing: asked)), and to \(ask)")
        }
        var theirs = theirs.map { $0.answer(of: clients[number].session) }
        // As `World` does: one create makes the path.
        if case .makeParents = ask.inquiry, case .failure(let refusal) = theirs, refusal.code == .nodeExists {
            theirs = .success(.done)
        }
        switch (theirs, ours) {
        case (.failure(let refusal), .failure(let refused)) where refusal.code == refused.code: return
        // Whoever watches, deletes or checks looks for success only.
        case (.success, .success(.done)): return
        case (.success(.created(let theirs)), .success(.created(let ours))) where theirs.name == ours.name:
            // A token that is known has to be the same one, and a new one larger than all.
            if let known = tokens[ours.czxid] {
                return known == theirs.czxid ? () : differ("another token for \(ours)")
            }
            tokens[ours.czxid] = theirs.czxid
        case (.success(.names(let theirs)), .success(.names(let ours))) where Set(theirs) == Set(ours): return
        case (.success(.data(let theirs)), .success(.data(let ours))) where theirs == ours: return
        case (.success(.node(let token, let isTheirs)), .success(.node(let czxid, let isOurs)))
        where isTheirs == isOurs && tokens[czxid, default: token] == token: return
        default: differ("c\(ask.contender) asks \(ask.inquiry), and is answered \(theirs), and \(ours)")
        }
    }

    /// When all has come to an end: nobody is told of anything that the other world knows nothing of.
    mutating func finish() {
        for number in clients.indices where small.clients[number].isConnected {
            var events = clients[number].events
            while let packet = model.deliver(.toClient(clients[number].connection)) {
                if packet != .watchesSet { events.append("\(packet)") }
            }
            if !events.isEmpty { differ("client \(number) gets \(events), and nothing") }
        }
    }

    mutating func compareTrees(after step: SmallWorld.Step) {
        guard difference == nil else { return }
        for number in small.clients.indices {
            guard let tree = model.members[clients[number].member]?.tree else { continue }
            compare(tree, small.servers[number].tree, "after \(step) the server of client \(number)")
        }
        if let tree = model.members[leader]?.tree { compare(tree, small.tree, "after \(step) the leader") }
    }

    private mutating func compare(_ theirs: DataTree, _ ours: SmallTree, _ who: String) {
        let parent = theirs.nodes[World.path]
        guard (parent != nil) == ours.hasParent else { return differ("\(who): the path is there for one only") }
        let names = parent?.children.map { String($0.name) }.sorted() ?? []
        guard names == ours.nodes.map(\.name.string).sorted() else {
            return differ("\(who) has \(names), and \(ours.nodes.map(\.name.string).sorted())")
        }
        for node in ours.nodes {
            let owner = theirs.nodes[World.path.appending(unchecked: node.name.string)]?.stat.ephemeralOwner
            if owner != sessions[node.session] { differ("\(who): another owner of \(node.name.string)") }
        }
        guard let parent else { return }
        let head = ours.record.flatMap { ContenderName($0.string) }
        if ParentData(parent.data) != .ours(lastHead: head) { differ("\(who): another word in the parent") }
    }
}
