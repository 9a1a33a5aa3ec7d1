import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Several locks at once over an ensemble in memory, where an answer can be lost at will.
@Suite(.timeLimit(.minutes(5))) struct MemoryMultiLockTests {
    private static let paths = ["/a", "/b", "/c"]

    private func untilEmpty(_ locks: MultiLock) async throws {
        for path in locks.paths { try await untilChildren(of: path, locks.client, count: 0) }
    }

    /// The nodes are there, though the answer to their creation is lost; they are found again, and no second ones are made.
    @Test func aLostAnswerToTheEntryBlocksNoQueue() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let locks = try client.multiLock(Self.paths)
            try await locks.withLocks { _ in }
            for _ in 0..<20 {
                try await ensemble.dropNextReply(of: client)
                let lease = try await locks.acquire(timeout: .seconds(10))
                for path in locks.paths {
                    let tokens = try await client.queue(of: path).entries.map(\.fencingToken)
                    #expect(tokens == [lease.fencingToken])
                }
                await lease.release()
                try await untilEmpty(locks)
            }
        }
    }

    @Test func aLostAnswerToTheReleaseLeavesNothing() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let locks = try client.multiLock(Self.paths)
            for _ in 0..<20 {
                let lease = try await locks.acquire(timeout: .seconds(10))
                try await ensemble.dropNextReply(of: client)
                await lease.release()
                try await untilEmpty(locks)
            }
        }
    }

    /// A session may end while it is being entered, on two threads. Found as waiters that were forgotten: on one processor (`taskset -c 0`) in two of
    /// three runs.
    @Test func whoWaitsLivesThroughOneSessionAfterAnother() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { holder in
            try await ensemble.with { client in
                let several = try await holder.multiLock(Self.paths).acquire()
                let one = try await holder.lock("/d").acquire()
                try await withThrowingTaskGroup { group in
                    for _ in 0..<150 {
                        group.addTask { try await client.multiLock(Self.paths).withLocks { _ in } }
                        group.addTask { try await client.lock("/d").withLock { _ in } }
                    }
                    try await untilChildren(of: NodePath("/a"), client, count: 151)
                    // At any moment, so also where there is none.
                    for _ in 0..<300 {
                        try? await ensemble.expireSession(of: client)
                        try await Task.sleep(for: .microseconds(300))
                    }
                    await several.release()
                    await one.release()
                    try await group.waitForAll()
                }
                for path in Self.paths + ["/d"] { try await expectNobodyLeft(at: NodePath(path), client) }
            }
        }
    }

    @Test func expiryCancelsTheBody() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let locks = try client.multiLock(Self.paths)
            let tokens = Recorder<FencingToken>()
            let error = await #expect(throws: LockError.self) {
                try await locks.withLocks { lease in
                    tokens.append(lease.fencingToken)
                    try await ensemble.expireSession(of: client)
                    try await Task.sleep(for: .seconds(60))
                }
            }
            let token = try #require(tokens.all.first)
            #expect(error == .lost(locks.paths[0], .sessionExpired, token: token))
        }
    }

    @Test func aHolderIsToldThatSomebodyAsks() async throws {
        try await MemoryEnsemble().with { client in
            let locks = try client.multiLock(Self.paths)
            let lease = try await locks.acquire()
            let events = lease.events
            _ = try await client.lock("/c").revoke(reason: "deploying")
            let event = await first(of: events) { if case .revocationRequested = $0 { true } else { false } }
            #expect(event != nil && lease.revocation?.reason == "deploying")
            await lease.release()
            try await untilEmpty(locks)
        }
    }

    @Test func aHolderThatIsStuckLosesAll() async throws {
        try await MemoryEnsemble().with { client in
            var options = MultiLock.Options()
            options.maximumHold = .seconds(1)
            let locks = try client.multiLock(Self.paths, options: options)
            let lease = try await locks.acquire()
            let next = try await client.multiLock(Self.paths.reversed()).acquire(timeout: .seconds(20))
            #expect(!lease.isHeld && next.fencingToken > lease.fencingToken)
            #expect(throws: LockError.lost(locks.paths[0], .heldTooLong, token: lease.fencingToken)) {
                try lease.checkHeld()
            }
            await next.release()
            try await untilEmpty(locks)
        }
    }
}
