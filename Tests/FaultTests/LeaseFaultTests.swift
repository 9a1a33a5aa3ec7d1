import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// Leases under faults: what a holder believes has to end before the lock is given away.
    @Suite struct Leases {
        /// FACTS of a follower that is cut off: it answers reads and pings for another ten seconds.
        private func withLazyFollowers<R: Sendable>(
            _ body: (PartitionableEnsemble, _ leader: TestServer, _ follower: TestServer) async throws -> R
        ) async throws -> R {
            var configuration = TestEnsemble.Configuration()
            configuration.tickTime = .milliseconds(500)
            configuration.syncLimit = 20
            return try await PartitionableEnsemble.with(configuration: configuration) { partitionable in
                let leader = try await partitionable.ensemble.leader()
                let follower = try #require(try await partitionable.ensemble.followers().first)
                return try await body(partitionable, leader, follower)
            }
        }

        @Test func `A waiter that hears too late of its turn is not granted until its session is proven`() async throws
        {
            try await withLazyFollowers { partitionable, leader, follower in
                let timeout = Duration.seconds(4)
                try await ZooKeeperClient.with(.quiet(leader.connectString)) { observer in
                    try await FaultProxy.with(to: follower) { proxy in
                        let held = try await observer.lock("/turn").acquire()
                        let client = try await ZooKeeperClient.connect(
                            .quiet(proxy.connectString, sessionTimeout: timeout))
                        let lock = try client.lock("/turn")
                        let granted = Counter()
                        let waiter = Task {
                            let lease = try await lock.acquire()
                            granted.add()
                            return lease
                        }
                        try await untilChildren(of: lock.path, observer, count: 2)
                        // Its proofs are confirmed by then.
                        try await Task.sleep(for: timeout)
                        // The follower tells of the release, and the news is kept back until the lease has run out.
                        await proxy.freeze(.toClient)
                        await held.release()
                        try await Task.sleep(for: .milliseconds(200))
                        await partitionable.isolate(follower)
                        // Half of the timeout after the last proof at the latest; the client gives the connection up after two thirds.
                        try await Task.sleep(for: timeout * 0.57 - .milliseconds(200))
                        await proxy.thaw(.toClient)
                        // The turn is known now; the proof hangs. As long as this client's node may be the head for the leader, and longer.
                        let watch = observer.childrenChanges(of: lock.path)
                        for try await names in watch where names.isEmpty { break }
                        #expect(granted.value == 0, "granted by a follower that is cut off")
                        await partitionable.heal()
                        let lease = try await waiter.value
                        #expect(lease.isHeld)
                        #expect(lease.fencingToken > held.fencingToken)
                        try await lease.proveHeld()
                        await lease.release()
                        await client.close()
                    }
                }
            }
        }

        @Test func `A disconnect within the tolerance is survived, and told of`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    let timeout = Duration.seconds(6)
                    try await ZooKeeperClient.with(.quiet(proxy.connectString, sessionTimeout: timeout)) { client in
                        let session = client.sessionID
                        let value = try await client.lock("/lock").withLock { lease in
                            var events = lease.events.makeAsyncIterator()
                            // Confirmed by then.
                            try await Task.sleep(for: timeout / 3)
                            await proxy.refuse()
                            await proxy.cut()
                            #expect(await events.next() == .suspended)
                            try await Task.sleep(for: timeout / 5)
                            #expect(lease.isHeld)
                            await proxy.accept()
                            #expect(await events.next() == .restored)
                            // Half a timeout later the lease that was there before would have ended.
                            try await Task.sleep(for: timeout / 2)
                            try await lease.proveHeld()
                            #expect(!Task.isCancelled)
                            return 42
                        }
                        #expect(value == 42)
                        #expect(client.sessionID == session)
                    }
                }
            }
        }

        @Test func `A disconnect beyond the tolerance ends the lease, and only then`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    let timeout = Duration.seconds(3)
                    try await ZooKeeperClient.with(.quiet(proxy.connectString, sessionTimeout: timeout)) { client in
                        let lease = try await client.lock("/lock").acquire()
                        var events = lease.events.makeAsyncIterator()
                        try await Task.sleep(for: timeout / 3)
                        let start = ContinuousClock.now
                        await proxy.refuse()
                        await proxy.cut()
                        #expect(await events.next() == .suspended)
                        #expect(await events.next() == .lost(.leaseExpired))
                        let outage = ContinuousClock.now - start
                        print("without a connection the lease lasted \(outage / timeout) of the session timeout")
                        // From a third, after long holds, to three quarters, at best.
                        #expect(outage > timeout / 5 && outage < timeout * 0.75)
                        #expect(throws: LockError.self) { try lease.checkHeld() }
                        await proxy.pass()
                        await lease.release()
                        // The session lives; only its lease could not be believed.
                        #expect(try await client.lock("/lock").acquire(timeout: .seconds(10)).isHeld)
                    }
                }
            }
        }

        @Test func `The leader is killed: nobody holds twice, and the order is kept`() async throws {
            var configuration = TestEnsemble.Configuration()
            configuration.tickTime = .milliseconds(500)
            try await TestEnsemble.with(configuration: configuration) { ensemble in
                let clients = try await withThrowingTaskGroup(of: ZooKeeperClient.self) { group in
                    for _ in 0..<6 {
                        group.addTask {
                            try await .connect(.quiet(ensemble.connectString, sessionTimeout: .seconds(10)))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let grants = Recorder<(rank: Int, token: FencingToken)>()
                let inside = Counter()
                let first = try await clients[0].lock("/lock").acquire()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for rank in 1..<clients.count {
                        let lock = try clients[rank].lock("/lock")
                        group.addTask {
                            try await lock.withLock { lease in
                                #expect(inside.add() == 1)
                                grants.append((rank, lease.fencingToken))
                                try await Task.sleep(for: .milliseconds(50))
                                inside.add(-1)
                            }
                        }
                        try await untilChildren(of: lock.path, clients[0], count: rank + 1)
                    }
                    try await ensemble.leader().kill()
                    // By then there is another one, or the lease would be over.
                    try await first.proveHeld()
                    await first.release()
                    try await group.waitForAll()
                }
                #expect(grants.all.map(\.rank) == Array(1..<clients.count))
                #expect(grants.all.map(\.token) == grants.all.map(\.token).sorted())
                for client in clients { await client.close() }
            }
        }

        @Test(.runsInOwnProcess)
        func `A holder that was stopped for longer than its session finds that out before anything else`() async throws
        {
            try await TestServer.with { server in
                let stopped = Task {
                    // Nothing is observed: that would keep the pool's threads busy until it ends.
                    await #expect(processExitsWith: .success) { [servers = server.connectString as String] in
                        try await ZooKeeperClient.with(.quiet(servers, sessionTimeout: .seconds(2))) { client in
                            let stock = try NodePath("/stock")
                            try await client.create(stock)
                            let lease = try await client.lock("/lock").acquire()
                            try await client.create(
                                NodePath("/token"), data: Array(String(lease.fencingToken.rawValue).utf8))
                            var sale = Transaction()
                            sale.set(stock, data: [1])
                            #expect(system("(sleep 5; kill -CONT \(getpid())) >/dev/null 2>&1 &") == 0)
                            raise(SIGSTOP)
                            #expect(throws: LockError.self) { try lease.checkHeld() }
                            // The server has closed the connection; whether the client knows that yet is a matter of luck.
                            await #expect(throws: ZooKeeperError.self) {
                                _ = try await client.commit(lease.guard(sale))
                            }
                            #expect(try await client.get(stock).stat.version == 0)
                        }
                    }
                }
                try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                    let path = try NodePath("/token")
                    while try await client.exists(path) == nil { try await Task.sleep(for: .milliseconds(20)) }
                    let written = String(decoding: try await client.get(path).data, as: UTF8.self)
                    let token = try #require(Int64(written))
                    let lease = try await client.lock("/lock").acquire(timeout: .seconds(30))
                    print("stopped holder's token \(token), next one's \(lease.fencingToken.rawValue)")
                    #expect(lease.fencingToken.rawValue > token)
                    await lease.release()
                    _ = await stopped.value
                }
            }
        }

        @Test func `A hundred waiters whose connections are cut all the time`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(server.connectString)) { observer in
                        let order = Recorder<FencingToken>()
                        let clients = try await withThrowingTaskGroup(of: ZooKeeperClient.self) { group in
                            for _ in 0..<20 { group.addTask { try await .connect(.quiet(proxy.connectString)) } }
                            return try await group.reduce(into: []) { $0.append($1) }
                        }
                        let storm = Task {
                            let end = ContinuousClock.now + .seconds(30)
                            while ContinuousClock.now < end, !Task.isCancelled {
                                try await Task.sleep(for: .milliseconds(200))
                                await proxy.cut()
                            }
                        }
                        let granted = Counter()
                        let lost = Counter()
                        await withTaskGroup(of: Void.self) { group in
                            for number in 0..<100 {
                                let client = clients[number % clients.count]
                                group.addTask {
                                    while true {
                                        do {
                                            try await client.lock("/lock").withLock { lease in
                                                order.append(lease.fencingToken)
                                                try await Task.sleep(for: .milliseconds(200))
                                            }
                                            granted.add()
                                            return
                                        } catch LockError.lost(_, let reason, _) {
                                            print("lost: \(reason)")
                                            lost.add()
                                        } catch {
                                            return #expect(Bool(false), "\(error)")
                                        }
                                    }
                                }
                            }
                        }
                        storm.cancel()
                        _ = await storm.result
                        print(
                            "\(granted.value) granted, \(lost.value) lost, \(proxy.counters.connections) connections"
                        )
                        #expect(granted.value == 100)
                        #expect(order.all == order.all.sorted())
                        for client in clients { await client.close() }
                        try await expectNobodyLeft(at: NodePath("/lock"), observer)
                    }
                }
            }
        }
    }
}
