import ZooKeeper

@testable import ZooKeeperLocks

extension SmallWorld {
    // MARK: The leader

    mutating func append(_ change: SmallChange, failure: ZooKeeperError.Code? = nil, origin: Int = -1) {
        tree.apply(change)
        log.append(SmallLogged(change: change, failure: failure, origin: Int8(origin)))
    }

    mutating func commit(_ inquiry: Inquiry, _ ask: SmallAsk, of client: Int, isStraggler: Bool = false) {
        let origin = isStraggler ? -1 : client
        func refuse(_ code: ZooKeeperError.Code) { append(.none, failure: code, origin: origin) }
        guard !expired.contains(clients[client].session) else { return refuse(.sessionExpired) }
        switch inquiry {
        case .create(let prefix):
            guard tree.hasParent else { return refuse(.noNode) }
            zxid += 1
            let claim = Name.claim(ofPrefix: prefix)
            let name = Name(contender: ask.contender, entry: ask.entry, sequence: tree.nextSequence, claim: claim)
            append(.create(.init(name: name, czxid: zxid, session: clients[client].session)), origin: origin)
            let contestant = contestants[Int(ask.contender)]
            if contestant.isOver, contestant.entry == ask.entry, !contestant.isLost {
                verdict = verdict ?? "c\(ask.contender) has ended, and its node is created"
            }
        case .makeParents:
            append(tree.hasParent ? .none : .makeParent, origin: origin)
        case .delete(let string, let recording):
            let name = Name(string)
            guard tree.contains(name) else { return refuse(.noNode) }
            append(.delete(name, recording: recording), origin: origin)
        case .prove(let string, _):
            tree.contains(Name(string)) ? append(.none, origin: origin) : refuse(.noNode)
        case .barrier:
            tree.hasParent ? append(.none, origin: origin) : refuse(.noNode)
        case .poke(let string):
            let name = Name(string)
            tree.contains(name) ? append(.write(name), origin: origin) : refuse(.noNode)
        case .replace(let string, let reader):
            let name = Name(string)
            guard !tree.contains(Name(reader)) else { return refuse(.nodeExists) }
            guard tree.contains(name) else { return refuse(.noNode) }
            zxid += 1
            append(
                .replace(name, .init(name: Name(reader), czxid: zxid, session: clients[client].session)), origin: origin
            )
        case .list, .listAndWatch, .watch, .look, .read, .watchParent:
            break
        }
    }

    // MARK: A client's server

    /// The next request arrives at the client's server. A write is forwarded at once, whatever is ahead of it.
    mutating func serve(_ client: Int) {
        let ask = clients[client].toServer.removeFirst()
        servers[client].pending.append(ask)
        if ask.inquiry.isWrite { commit(ask.inquiry, ask, of: client) }
        answerReads(client)
    }

    mutating func apply(_ client: Int) {
        let logged = log[servers[client].applied]
        servers[client].applied += 1
        let gone: [Name]
        switch logged.change {
        case .delete(let name, _), .replace(let name, _): gone = [name]
        case .close(let session): gone = servers[client].tree.nodes.filter { $0.session == session }.map(\.name)
        default: gone = []
        }
        servers[client].tree.apply(logged.change)
        for name in gone where servers[client].watches.contains(name) {
            servers[client].watches.removeAll { $0 == name }
            if clients[client].isConnected { clients[client].toClient.append(.deleted(name)) }
        }
        switch logged.change {
        case .write(let name): tell(client, .changed(name), of: name)
        case .delete(_, recording: true): tell(client, .changed(.parent), of: .parent)
        case .removeParent: tell(client, .deleted(.parent), of: .parent)
        default: break
        }
        if !gone.isEmpty || logged.change.creates { tell(client, .changed(.everybody), of: .everybody) }
        if case .close(clients[client].session) = logged.change, clients[client].isConnected { return lose(client) }
        guard Int(logged.origin) == client, clients[client].isConnected else { return }
        let ask = servers[client].pending.removeFirst()
        if let failure = logged.failure {
            clients[client].toClient.append(.answer(ask, .failure(.init(code: failure))))
        } else if case .create(let node) = logged.change {
            let own = QueueMachine.Own(name: node.name.string, czxid: Int64(node.czxid))
            clients[client].toClient.append(.answer(ask, .success(.created(own))))
        } else {
            clients[client].toClient.append(.answer(ask, .success(.done)))
        }
        answerReads(client)
    }

    private mutating func tell(_ client: Int, _ packet: SmallPacket, of name: Name) {
        guard let index = servers[client].watches.firstIndex(of: name) else { return }
        servers[client].watches.remove(at: index)
        if clients[client].isConnected { clients[client].toClient.append(packet) }
    }

    private mutating func answerReads(_ client: Int) {
        while let ask = servers[client].pending.first, !ask.inquiry.isWrite {
            servers[client].pending.removeFirst()
            clients[client].toClient.append(.answer(ask, read(ask.inquiry, client)))
        }
    }

    private mutating func read(_ inquiry: Inquiry, _ client: Int) -> Result<Answer, SmallPacket.Refused> {
        let tree = servers[client].tree
        switch inquiry {
        case .list where tree.hasParent: return .success(.names(tree.nodes.map(\.name.string)))
        case .listAndWatch where tree.hasParent:
            if !servers[client].watches.contains(.everybody) { servers[client].watches.append(.everybody) }
            return .success(.names(tree.nodes.map(\.name.string)))
        case .watchParent where tree.hasParent:
            if !servers[client].watches.contains(.parent) { servers[client].watches.append(.parent) }
            return .success(.done)
        case .look where tree.hasParent:
            let head = tree.record.flatMap { ContenderName($0.string) }
            return .success(.data(.ours(lastHead: head, permits: permits)))
        case .watch(let string, _):
            let name = Name(string)
            guard tree.contains(name) else { break }
            if !servers[client].watches.contains(name) { servers[client].watches.append(name) }
            return .success(.done)
        case .read(let string, _):
            let name = Name(string)
            guard let node = tree.nodes.first(where: { $0.name == name }) else { break }
            return .success(.node(czxid: Int64(node.czxid), isOurs: node.session == clients[client].session))
        default: break
        }
        return .failure(.init(code: .noNode))
    }
}
