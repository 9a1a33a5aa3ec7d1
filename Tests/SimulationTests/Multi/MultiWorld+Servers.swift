import ZooKeeper

@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// A write in the leader's log, and whose server answers it when it applies it.
struct MultiLogged {
    var change: LoggedChange
    var origin: Int?
}

/// The server that a client is connected to.
struct MultiServer {
    var tree = DataTree()
    /// How much of the log it has applied.
    var applied = 0
    /// What it was asked and has not answered, in order: a read waits for the writes before it.
    var pending: [MultiAsk] = []
    var watches = ServerWatches()
}

enum MultiPacket {
    case answer(MultiAsk, Result<Reply, Refusal>, zxid: Int64)
    case event(WatchEvent)
}

extension MultiWorld {
    // MARK: The leader

    mutating func write(_ request: ServerRequest, session: Int64, origin: Int?) {
        zxid += 1
        let change = tree.prepare(request, session: session, identities: [])
        let logged = LoggedChange(zxid: zxid, time: 0, session: session, change: change)
        _ = tree.apply(logged)
        log.append(MultiLogged(change: logged, origin: origin))
    }

    private mutating func commit(_ ask: MultiAsk, of client: Int, origin: Int?) {
        guard !clients[client].isExpired else {
            zxid += 1
            let refusal = TreeChange.refusal(.server(.sessionExpired))
            log.append(
                MultiLogged(change: LoggedChange(zxid: zxid, time: 0, session: 0, change: refusal), origin: origin))
            return
        }
        write(ask.request, session: clients[client].session, origin: origin)
    }

    mutating func straggle(_ client: Int) {
        let ask = clients[client].stragglers.removeFirst()
        commit(ask, of: client, origin: nil)
    }

    /// Forgets what all servers have applied.
    mutating func trim() {
        guard let least = servers.map(\.applied).min(), least > 0 else { return }
        log.removeFirst(least)
        for index in servers.indices { servers[index].applied -= least }
    }

    // MARK: A client's server

    /// The next request arrives at the client's server. A write is forwarded at once, whatever is ahead of it.
    mutating func serve(_ client: Int) {
        let ask = clients[client].toServer.removeFirst()
        servers[client].pending.append(ask)
        if ask.request.isWrite { commit(ask, of: client, origin: client) }
        answerReads(client)
    }

    mutating func apply(_ client: Int) {
        let logged = log[servers[client].applied]
        servers[client].applied += 1
        let (result, news) = servers[client].tree.apply(logged.change)
        for news in news {
            for told in servers[client].watches.fire(news) where told.connection == clients[client].connection {
                if clients[client].isConnected { clients[client].toClient.append(.event(told.event)) }
            }
        }
        if case .closeSession = logged.change.change, logged.change.session == clients[client].session {
            return clients[client].isConnected ? lose(client) : ()
        }
        guard logged.origin == client, clients[client].isConnected else { return }
        let ask = servers[client].pending.removeFirst()
        clients[client].toClient.append(.answer(ask, result, zxid: logged.change.zxid))
        answerReads(client)
    }

    mutating func catchUp(_ client: Int) {
        while servers[client].applied < log.count {
            _ = servers[client].tree.apply(log[servers[client].applied].change)
            servers[client].applied += 1
        }
    }

    private mutating func answerReads(_ client: Int) {
        while let ask = servers[client].pending.first, !ask.request.isWrite {
            servers[client].pending.removeFirst()
            let result = servers[client].tree.read(ask.request, identities: [])
            let isFound = if case .success = result { true } else { false }
            servers[client].watches.add(ask.request, for: clients[client].connection, found: isFound)
            let zxid = servers[client].tree.lastZxid
            clients[client].toClient.append(.answer(ask, result, zxid: zxid))
        }
    }
}
