import ZooKeeper

@testable import ZooKeeperLocks

/// What two states have to agree in to have the same future.
///
/// Numbers that only ever rise are taken relative to the last one: sequence numbers, tokens, sessions, entries, questions. What is only
/// ever reported, and never looked at, is left out: how many were ahead, how often something failed. Clients are interchangeable: each is
/// described by itself, where a znode of another client is just a number, and then all are put in the order of these descriptions.
extension SmallWorld {
    var fingerprint: UInt64 {
        var print = Fingerprint()
        for number in [breaks, expiries, givingUp, deletions, reapings, downgrades] { print.add(number) }
        var clients: [(print: UInt64, number: Int)] = []
        for number in self.clients.indices { clients.append((describe(number), number)) }
        if isSymmetric { clients.sort { ($0.print, $0.number) < ($1.print, $1.number) } }
        var ranks = Array(repeating: 0, count: clients.count)
        for (rank, client) in clients.enumerated() {
            ranks[client.number] = rank
            print.add(client.print)
        }
        print.viewer = nil
        print.ranks = ranks
        add(tree, to: &print)
        print.add(Int(zxid - lastToken))
        print.add(log.count)
        for logged in log { add(logged, to: &print) }
        for name in deletedByHand { add(name, to: &print) }
        return print.value
    }

    private func describe(_ number: Int) -> UInt64 {
        var print = Fingerprint()
        print.viewer = isSymmetric ? number : nil
        add(servers[number], clients[number], to: &print)
        add(clients[number], number, to: &print)
        for contestant in contestants where contestant.client == number { add(contestant, to: &print) }
        return print.value
    }

    func add(_ name: Name, to print: inout Fingerprint) {
        guard name.contender != .max else { return print.add(name == .everybody ? 0xFFFF_FFFF : 0xFFFF_FFFE) }
        if name.claim > 0 { print.add(0xC000 | UInt64(name.claim)) }
        let contestant = contestants[Int(name.contender)]
        let age = contestant.entry &- name.entry
        let number = UInt64(tree.nextSequence &- name.sequence)
        if let viewer = print.viewer {
            print.add(
                contestant.client == viewer ? number | UInt64(age) << 8 | UInt64(place(name.contender)) << 16 : number)
        } else {
            let rank = print.ranks.isEmpty ? contestant.client : print.ranks[contestant.client]
            print.add(number | UInt64(age) << 8 | UInt64(place(name.contender)) << 16 | UInt64(rank) << 24)
        }
    }

    /// The how-manyth of its client, from 1.
    func place(_ contender: UInt8) -> Int {
        var place = 1
        for other in 0..<Int(contender) where contestants[other].client == contestants[Int(contender)].client {
            place += 1
        }
        return place
    }

    func add(_ name: String, to print: inout Fingerprint) { add(Name(name), to: &print) }

    func add(_ own: QueueMachine.Own, to print: inout Fingerprint) {
        add(own.name, to: &print)
        print.add(Int(zxid) - Int(own.czxid))
    }

    private func age(of session: UInt8, _ print: Fingerprint) -> UInt64 {
        let client = Int(session % 8)
        let age = UInt64(clients[client].session - session)
        if let viewer = print.viewer { return age << 8 | (client == viewer ? 1 : 0) }
        return age << 8 | UInt64(print.ranks.isEmpty ? client : print.ranks[client])
    }

    private func add(_ tree: SmallTree, to print: inout Fingerprint) {
        print.add(UInt64(tree.nodes.count) << 1 | (tree.hasParent ? 1 : 0))
        for node in tree.nodes {
            add(node.name, to: &print)
            print.add(UInt64(UInt16(bitPattern: zxid &- node.czxid)) | age(of: node.session, print) << 16)
        }
        if let record = tree.record { add(record, to: &print) } else { print.add(7) }
    }

    private func add(_ logged: SmallLogged, to print: inout Fingerprint) {
        print.add(logged.origin < 0 ? 9 : print.ranks[Int(logged.origin)])
        print.add(logged.failure == nil ? 0 : logged.failure == .noNode ? 1 : 2)
        switch logged.change {
        case .create(let node):
            print.add(1)
            add(node.name, to: &print)
        case .delete(let name, let recording):
            print.add(recording ? 2 : 3)
            add(name, to: &print)
        case .makeParent: print.add(4)
        case .removeParent: print.add(5)
        case .close(let session): print.add(6 | age(of: session, print) << 8)
        case .none: print.add(7)
        case .write(let name):
            print.add(8)
            add(name, to: &print)
        case .replace(let name, let node):
            print.add(9)
            add(name, to: &print)
            add(node.name, to: &print)
        }
    }

    private func add(_ server: SmallServer, _ client: SmallClient, to print: inout Fingerprint) {
        print.add(server.applied)
        // The tree follows from the leader's and the log, but for what is gone.
        add(server.tree, to: &print)
        print.add(server.pending.count)
        for ask in server.pending { add(ask, client, to: &print) }
        // The order of watches does not matter.
        var sum: UInt64 = 0
        for name in server.watches {
            var one = print.fresh
            add(name, to: &one)
            sum &+= one.value
        }
        print.add(sum)
    }

    private func add(_ client: SmallClient, _ index: Int, to print: inout Fingerprint) {
        print.add(client.isConnected)
        print.add(client.leaseIsValid)
        print.add(expired.contains(client.session))
        add(client.toServer, client, to: &print)
        add(client.outstanding, client, to: &print)
        add(client.parked, client, to: &print)
        add(client.stragglers, client, to: &print)
        print.add(client.toClient.count)
        for packet in client.toClient {
            switch packet {
            case .answer(let ask, let result):
                add(ask, client, to: &print)
                add(result, to: &print)
            case .deleted(let name):
                print.add(3)
                add(name, to: &print)
            case .changed(let name):
                print.add(4)
                add(name, to: &print)
            }
        }
        var sum: UInt64 = 0
        for watcher in client.watches {
            var one = print.fresh
            add(watcher.ask, client, to: &one)
            if watcher.isCurrent { one.add(1) }
            sum &+= one.value
        }
        print.add(sum)
        add(client.followers, client, to: &print)
        if let vacancy = client.vacancy { add(vacancy, to: &print) }
    }

    private func add(_ vacancy: Vacancy, to print: inout Fingerprint) {
        var flags: UInt64 =
            switch vacancy.watch {
            case .none: 0
            case .asked: 1
            case .set: 2
            }
        for flag in [vacancy.isSure, vacancy.isLeaving, vacancy.isCountedOn] { flags = flags << 1 | (flag ? 1 : 0) }
        print.add(flags)
        for number in [vacancy.gone, vacancy.latest] {
            print.add(number.map { Int(tree.nextSequence) - Int($0) } ?? 0xFFFF)
        }
        // That many are enough.
        print.add(min(vacancy.streak, vacancy.needed))
        print.add(vacancy.needed)
    }

    private func add(_ asks: [SmallAsk], _ client: SmallClient, to print: inout Fingerprint) {
        print.add(asks.count)
        for ask in asks { add(ask, client, to: &print) }
    }

    private func add(_ ask: SmallAsk, _ client: SmallClient, to print: inout Fingerprint) {
        if case .watchParent(let attempt) = ask.inquiry {
            return print.add(client.vacancy?.watch.attempt == attempt ? 0xFFF1 : 0xFFF2)
        }
        if ask.leaves { print.add(0xFFF3) }
        let contestant = contestants[Int(ask.contender)]
        print.add(UInt64(place(ask.contender)) | UInt64(contestant.entry &- ask.entry) << 8)
        // Answers to older questions are all ignored alike; -1 asks for a report.
        func add(_ kind: Int, _ step: Int) {
            print.add(kind << 2 | (step == contestant.machine.step ? 0 : step < 0 ? 1 : 2))
        }
        switch ask.inquiry {
        case .create: print.add(1)
        case .list(let step): add(2, step)
        case .makeParents(let step): add(3, step)
        case .watch(let name, let byExists):
            print.add(byExists ? 4 : 5)
            self.add(name, to: &print)
        case .look(let step): add(6, step)
        case .prove(let name, let step):
            add(7, step)
            self.add(name, to: &print)
        case .barrier(let step): add(8, step)
        case .read(let name, let step):
            add(9, step)
            self.add(name, to: &print)
        case .delete(let name, let recording):
            print.add(recording ? 10 : 11)
            self.add(name, to: &print)
        case .listAndWatch(let step): add(12, step)
        case .poke(let name):
            print.add(13)
            self.add(name, to: &print)
        case .replace(let name, let reader):
            print.add(14)
            self.add(name, to: &print)
            self.add(reader, to: &print)
        case .watchParent: break
        }
    }

    func add(_ answer: Result<Answer, SmallPacket.Refused>, to print: inout Fingerprint) {
        switch answer {
        case .failure(let error):
            print.add(1)
            add(error.code, to: &print)
        case .success(.done): print.add(2)
        case .success(.created(let own)):
            print.add(3)
            add(own, to: &print)
        case .success(.names(let names)): add(names, to: &print)
        case .success(.data(let data)):
            print.add(5)
            if case .ours(let head?, _) = data { add(head.string, to: &print) }
        case .success(.node(let czxid, let isOurs)):
            print.add(isOurs ? 6 : 7)
            print.add(Int(zxid) - Int(czxid))
        }
    }

    func add(_ names: [String], to print: inout Fingerprint) {
        print.add(names.count)
        for name in names { add(name, to: &print) }
    }

    func add(_ code: ZooKeeperError.Code, to print: inout Fingerprint) {
        switch code {
        case .noNode: print.add(1)
        case .sessionExpired: print.add(2)
        case .connectionLost: print.add(3)
        default: print.add(4)
        }
    }
}
