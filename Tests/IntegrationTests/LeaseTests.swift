import Glibc
import Logging
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// What a holder may believe, on real servers. Each prints what it measured.
@Suite(.weighty) struct LeaseTests {
    private static let timeout = Duration.seconds(2)

    private func withServer<R: Sendable>(
        _ body: (TestServer, ZooKeeperClient.Configuration) async throws -> R
    ) async throws -> R {
        try await TestServer.with { server in
            try await body(server, .quiet(server.connectString).with(sessionTimeout: Self.timeout))
        }
    }

    @Test func aFreeLockIsGrantedInOneRoundTripToASessionThatWasIdle() async throws {
        try await withServer { _, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                try await client.lock("/lock").withLock { _ in }
                try await Task.sleep(for: Self.timeout * 2)
                let start = ContinuousClock.now
                let lease = try await client.lock("/lock").acquire()
                let elapsed = ContinuousClock.now - start
                let left = lease.validUntil - .now
                print("idle for two timeouts: granted after \(elapsed), valid for \(left / Self.timeout) timeouts")
                // A second proof would come a twelfth of the timeout later.
                #expect(elapsed < Self.timeout / 12)
                #expect(left > Self.timeout / 4 && left < Self.timeout)
                await lease.release()
            }
        }
    }

    @Test func whoeverWantsAConfirmedLeaseWaitsForIt() async throws {
        try await withServer { _, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                var options = DistributedLock.Options()
                options.waitsForConfirmedLease = true
                try await client.lock("/lock").withLock { _ in }
                try await Task.sleep(for: Self.timeout * 2)
                let start = ContinuousClock.now
                let lease = try await client.lock("/lock", options: options).acquire()
                let elapsed = ContinuousClock.now - start
                print("confirmed after \(elapsed / Self.timeout) timeouts")
                #expect(elapsed >= Self.timeout / 12)
                await lease.release()
            }
        }
    }

    @Test(.enabled(if: !Sanitizer.isOn, "a sanitizer makes every thread late"))
    func aLongHoldKeepsItsLock() async throws {
        try await withServer { _, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                let shortest = try await client.lock("/lock").withLock { lease in
                    var shortest = Duration.seconds(60)
                    let end = ContinuousClock.now + Self.timeout * 10
                    while ContinuousClock.now < end {
                        try lease.checkHeld()
                        shortest = min(shortest, lease.validUntil - .now)
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await lease.proveHeld()
                    return shortest
                }
                print("held for ten timeouts; never less than \(shortest / Self.timeout) of one left")
                // A third, less what this machine needs to answer.
                #expect(shortest > Self.timeout / 12)
            }
        }
    }

    @Test func onlyHoldersWrite() async throws {
        try await withServer { server, configuration in
            let holder = try await ZooKeeperClient.connect(configuration)
            let next = try await ZooKeeperClient.connect(configuration)
            let waiter = try await ZooKeeperClient.connect(configuration)
            let lease = try await holder.lock("/held").acquire()
            let elsewhere = try await next.lock("/waited").acquire()
            let second = Task { try await next.lock("/waited").acquire() }
            try await untilChildren(of: try next.lock("/waited"), count: 2)
            let third = Task { try await waiter.lock("/waited").acquire() }
            try await untilChildren(of: try next.lock("/waited"), count: 3)
            let span = Self.timeout * 5
            func writes() async throws -> Int { try await zxid(of: server) }
            var before = try await writes()
            try await Task.sleep(for: span)
            let two = Double(try await writes() - before) / (span / Self.timeout)
            await lease.release()
            try await Task.sleep(for: Self.timeout / 4)
            before = try await writes()
            try await Task.sleep(for: span)
            let one = Double(try await writes() - before) / (span / Self.timeout)
            await elsewhere.release()
            await (try await second.value).release()
            await (try await third.value).release()
            before = try await writes()
            try await Task.sleep(for: span)
            let none = try await writes() - before
            print("writes a timeout: two holding sessions \(two), one \(one), none \(none)")
            #expect(two > 8 && two < 15)
            #expect(one > 5 && one < 7.5)
            #expect(none == 0)
            for client in [holder, next, waiter] { await client.close() }
        }
    }

    /// How many writes there have been.
    private func zxid(of server: TestServer) async throws -> Int {
        let lines = try await server.fourLetterWord("srvr").split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("Zxid: 0x") })
        return try #require(Int(line.dropFirst(8), radix: 16))
    }

    @Test func aServerThatFallsSilentEndsTheLeaseInTime() async throws {
        try await withServer { server, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                let (stopped, until) = (Recorder<ContinuousClock.Instant>(), Recorder<ContinuousClock.Instant>())
                let error = await #expect(throws: LockError.self) {
                    try await client.lock("/lock").withLock { lease in
                        // Confirmed by then.
                        try await Task.sleep(for: Self.timeout)
                        try server.pause()
                        try? await Task.sleep(for: .seconds(60))
                        stopped.append(.now)
                        until.append(lease.validUntil)
                        #expect(throws: LockError.self) { try lease.checkHeld() }
                    }
                }
                try server.resume()
                guard case .lost(_, .leaseExpired, _) = error else {
                    return #expect(Bool(false), "\(String(describing: error))")
                }
                let margin = try #require(until.all.first) - #require(stopped.all.first)
                print("the body stopped \(margin) ahead of the deadline")
                #expect(margin > .zero)
                #expect(try await client.lock("/lock").acquire(timeout: .seconds(10)).isHeld)
            }
        }
    }

    @Test func aShortSilenceIsSurvived() async throws {
        try await withServer { server, configuration in
            try await ZooKeeperClient.with(configuration.with(sessionTimeout: .seconds(6))) { client in
                let lease = try await client.lock("/lock").acquire()
                let events = Recorder<LeaseEvent>()
                let listener = Task { [stream = lease.events] in for await event in stream { events.append(event) } }
                try await Task.sleep(for: .seconds(4))
                try server.pause()
                try await Task.sleep(for: .seconds(1.5))
                try server.resume()
                try await lease.proveHeld()
                #expect(lease.isHeld)
                await lease.release()
                await listener.value
                // Too short even for the connection to be given up.
                #expect(events.all == [])
            }
        }
    }

    @Test func aRestartOfTheServerIsToldOfAndSurvivedOrLost() async throws {
        try await withServer { server, configuration in
            try await ZooKeeperClient.with(configuration.with(sessionTimeout: .seconds(10))) { client in
                let lease = try await client.lock("/lock").acquire()
                var events = lease.events.makeAsyncIterator()
                try await server.kill()
                #expect(await events.next() == .suspended)
                #expect(lease.isHeld)
                let start = ContinuousClock.now
                let restart = Task { try await server.restart() }
                let next = await events.next()
                let outage = ContinuousClock.now - start
                try await restart.value
                print("an outage of \(outage) of a session of 10 s: \(next.map { "\($0)" } ?? "the end")")
                switch next {
                case .restored:
                    #expect(lease.isHeld)
                    try await lease.proveHeld()
                case .lost(.leaseExpired):
                    // Only if it took longer than what is documented: a third.
                    #expect(outage > .seconds(2.8))
                default:
                    #expect(Bool(false), "\(String(describing: next))")
                }
                await lease.release()
            }
        }
    }

    @Test func whoeverDeletesTheNodeEndsTheLeaseAtOnce() async throws {
        try await SharedServer.withRoot { configuration in
            try await ZooKeeperClient.with(configuration) { admin in
                try await ZooKeeperClient.with(configuration) { client in
                    let lease = try await client.lock("/lock").acquire()
                    var events = lease.events.makeAsyncIterator()
                    let start = ContinuousClock.now
                    try await admin.delete(lease.node)
                    #expect(await events.next() == .lost(.nodeDeleted))
                    #expect(await events.next() == nil)
                    print("told \(ContinuousClock.now - start) after the delete was sent")
                    #expect(throws: LockError.lost(lease.path, .nodeDeleted, token: lease.fencingToken)) {
                        try lease.checkHeld()
                    }
                    await lease.release()
                }
            }
        }
    }

    @Test func aGuardedTransactionCommitsOnlyWhileHeld() async throws {
        try await SharedServer.withClient { client in
            let stock = try NodePath("/stock")
            try await client.create(stock, data: [0])
            let lease = try await client.lock("/lock").acquire()
            var sale = Transaction()
            sale.set(stock, data: [1])
            try await client.commit(lease.guard(sale))
            await lease.release()
            let error = await #expect(throws: ZooKeeperError.self) { try await client.commit(lease.guard(sale)) }
            #expect(error?.code == .noNode)
            #expect(try await client.get(stock).stat.version == 1)
        }
    }

    @Test func aLostLeaseThatIsDroppedIsGivenBack() async throws {
        try await withServer { server, configuration in
            try await ZooKeeperClient.with(configuration.with(sessionTimeout: .seconds(6))) { client in
                let lock = try client.lock("/lock")
                var lease: Lease? = try await lock.acquire()
                var events = try #require(lease).events.makeAsyncIterator()
                try server.pause()
                while let event = await events.next(), event != .lost(.leaseExpired) {}
                // The session goes on, and would keep the znode.
                try server.resume()
                #expect(throws: LockError.self) { try lease?.checkHeld() }
                lease = nil
                await (try await lock.acquire(timeout: .seconds(60))).release()
            }
        }
    }

    @Test func theEventsEndWithTheRelease() async throws {
        try await withServer { server, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                let lease = try await client.lock("/lock").acquire()
                let events = lease.events
                try server.pause()
                // The znode cannot be removed now; that goes on in the background.
                await lease.release()
                for await event in events { #expect(Bool(false), "\(event)") }
                for await event in lease.events { #expect(Bool(false), "\(event)") }
                try server.resume()
            }
        }
    }

    @Test func aNodeThatMayNotBeReadIsHeldAllTheSame() async throws {
        try await withServer { _, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                try await client.create(NodePath("/lock"))
                var options = DistributedLock.Options()
                options.acl = [ACL([.write, .create, .delete], scheme: "world", id: "anyone")]
                // So that the contender proves itself, too, ahead of the grant.
                options.waitsForConfirmedLease = true
                let unreadable = try await client.lock("/lock", options: options).acquire()
                let other = try await client.lock("/other").acquire()
                try await Task.sleep(for: Self.timeout * 3)
                try other.checkHeld()
                try unreadable.checkHeld()
                try await other.proveHeld()
                await other.release()
                try await Task.sleep(for: Self.timeout * 2)
                try unreadable.checkHeld()
                await unreadable.release()
            }
        }
    }

    @Test func aStuckHolderLosesTheLockInTheEnd() async throws {
        try await SharedServer.withClient { client in
            var options = DistributedLock.Options()
            options.maximumHold = .seconds(2)
            let lock = try client.lock("/lock", options: options)
            let start = ContinuousClock.now
            let stuck = try await lock.acquire()
            var events = stuck.events.makeAsyncIterator()
            let next = Task { try await lock.acquire() }
            guard case .holdEnds(let end)? = await events.next() else { return #expect(Bool(false), "not told") }
            #expect(stuck.isHeld)
            #expect(await events.next() == .lost(.heldTooLong))
            #expect(ContinuousClock.now >= end)
            let lease = try await next.value
            print("given away after \(ContinuousClock.now - start)")
            #expect(lease.fencingToken > stuck.fencingToken)
            await lease.release()
        }
    }

    @Test func aBodyThatDoesNotStopIsReported() async throws {
        let lines = Recorder<String>()
        try await SharedServer.withRoot { root in
            var configuration = root
            configuration.logger = Logger(label: "test") { _ in RecordingLogHandler(lines) }
            try await ZooKeeperClient.with(root) { admin in
                try await ZooKeeperClient.with(configuration) { client in
                    _ = await #expect(throws: LockError.self) {
                        try await client.lock("/lock").withLock { lease in
                            try await admin.delete(lease.node)
                            while !lines.all.contains(where: { $0.contains("ignores its cancellation") }) {
                                // Deaf to its cancellation.
                                try? await Task.sleep(for: .milliseconds(10))
                                await Task.yield()
                            }
                        }
                    }
                }
            }
        }
        #expect(lines.all.contains { $0.contains("LeaseTests.swift") })
    }

    @Test(.runsInOwnProcess, .enabled(if: !Sanitizer.isOn, "a sanitizer makes every thread late"))
    func theLeaseLivesWhileThePoolIsBusy() async throws {
        _ = try await withServer { server, _ in
            await #expect(processExitsWith: .success) { [servers = server.connectString as String] in
                try await ZooKeeperClient.with(.quiet(servers).with(sessionTimeout: .seconds(2))) { client in
                    let lease = try await client.lock("/lock").acquire()
                    let end = ContinuousClock.now + .seconds(6)
                    // More than the pool has threads: nothing else of Swift's runs meanwhile.
                    await withTaskGroup(of: Bool.self) { group in
                        for _ in 0..<16 {
                            group.addTask {
                                var isHeld = true
                                while ContinuousClock.now < end { isHeld = isHeld && lease.isHeld }
                                return isHeld
                            }
                        }
                        for await isHeld in group { #expect(isHeld) }
                    }
                    try await lease.proveHeld()
                    await lease.release()
                }
            }
        }
    }
}
