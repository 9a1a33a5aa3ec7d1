import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Sessions that end, connections that break.
@Suite(.weighty) struct LockSessionTests {
    @Test func theNextOneGetsTheLockWhenTheHoldersSessionEnds() async throws {
        try await SharedServer.withRoot { configuration in
            let holder = try await ZooKeeperClient.connect(configuration)
            let waiter = try await ZooKeeperClient.connect(configuration)
            let first = try await holder.lock("/lock").acquire()
            let next = Task { try await waiter.lock("/lock").acquire() }
            try await untilChildren(of: try waiter.lock("/lock"), count: 2)
            await holder.close()
            let second = try await next.value
            #expect(second.fencingToken > first.fencingToken)
            #expect(!first.isHeld)
            #expect(throws: LockError.lost(first.path, .clientClosed, token: first.fencingToken)) {
                try first.checkHeld()
            }
            await second.release()
            await waiter.close()
        }
    }

    @Test func expiryCancelsTheBodyAndIsToldByWithLock() async throws {
        try await SharedServer.withClient { client in
            let server = try await SharedServer.server.value
            let tokens = Recorder<FencingToken>()
            let error = await #expect(throws: LockError.self) {
                try await client.lock("/lock").withLock { lease in
                    tokens.append(lease.fencingToken)
                    try lease.checkHeld()
                    // May be cut short by the loss that it brings about.
                    try? await server.expireSession(of: client)
                    // Ends by cancellation, long before the time is over.
                    try await Task.sleep(for: .seconds(60))
                }
            }
            let (token, path) = (try #require(tokens.all.first), try NodePath("/lock"))
            // On a slow machine the client is away for so long that the lease ends ahead of the session.
            #expect(
                error == .lost(path, .sessionExpired, token: token)
                    || error == .lost(path, .leaseExpired, token: token), "\(error as Any)"
            )
        }
    }

    @Test func theBodysOwnErrorWins() async throws {
        struct Mine: Error {}
        try await SharedServer.withClient { client in
            let server = try await SharedServer.server.value
            await #expect(throws: Mine.self) {
                try await client.lock("/lock").withLock { _ in
                    // Cut short by the loss that it brings about.
                    try? await server.expireSession(of: client)
                    try? await Task.sleep(for: .seconds(60))
                    throw Mine()
                }
            }
            await #expect(throws: Mine.self) { try await client.lock("/lock").withLock { _ in throw Mine() } }
            try await expectNobodyLeft(at: NodePath("/lock"), client)
        }
    }

    @Test func aWaiterWhoseSessionExpiresEntersAgain() async throws {
        try await SharedServer.withRoot { configuration in
            let server = try await SharedServer.server.value
            let holder = try await ZooKeeperClient.connect(configuration)
            let waiter = try await ZooKeeperClient.connect(configuration)
            let lease = try await holder.lock("/lock").acquire()
            let (positions, told) = AsyncStream.makeStream(of: QueuePosition.self)
            let next = Task {
                try await waiter.lock("/lock").acquire(onPosition: { told.yield($0) })
            }
            let before = try #require(await first(of: positions) { _ in true })
            try await server.expireSession(of: waiter)
            let after = try #require(await first(of: positions) { _ in true })
            #expect(after.node != before.node)
            #expect(after.fencingToken > before.fencingToken)
            #expect(after.ahead == 1)
            await lease.release()
            let second = try await next.value
            #expect(second.node == after.node)
            await second.release()
            await holder.close()
            await waiter.close()
        }
    }

    @Test func holderAndWaitersKeepTheirPlacesThroughARestartOfTheServer() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let lock = try client.lock("/lock")
                let lease = try await lock.acquire()
                let order = Recorder<Int>()
                var waiters: [Task<Void, any Error>] = []
                for number in 0..<5 {
                    waiters.append(Task { try await lock.withLock { _ in _ = order.append(number) } })
                    try await untilChildren(of: lock, count: number + 2)
                }
                try await server.restart()
                #expect(lease.isHeld)
                await lease.release()
                for waiter in waiters { try await waiter.value }
                #expect(order.all == [0, 1, 2, 3, 4])
                try await expectNobodyLeft(at: lock.path, client)
            }
        }
    }

    @Test func whatIsReleasedOrGivenUpWithoutAConnectionIsCleanedUpAfterwards() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let lock = try client.lock("/lock")
                let lease = try await lock.acquire()
                let waiter = Task { try await lock.acquire() }
                try await untilChildren(of: lock, count: 2)
                let states = client.states
                try await server.kill()
                _ = await first(of: states) { $0 == .suspended }
                let start = ContinuousClock.now
                waiter.cancel()
                await #expect(throws: LockError.cancelled(lock.path)) { try await waiter.value }
                await lease.release()
                #expect(ContinuousClock.now - start < .seconds(2))
                try await server.restart()
                try await untilChildren(of: lock, count: 0)
            }
        }
    }

    @Test func aDroppedLeaseIsGivenBack() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            do {
                let lease = try await lock.acquire()
                #expect(lease.isHeld)
            }
            try await lock.withLock(timeout: .seconds(10)) { _ in }
        }
    }

    @Test func aReleasedLeaseSaysSo() async throws {
        try await SharedServer.withClient { client in
            let lease = try await client.lock("/lock").acquire()
            try lease.checkHeld()
            await lease.release()
            #expect(throws: LockError.released(lease.path)) { try lease.checkHeld() }
        }
    }
}
