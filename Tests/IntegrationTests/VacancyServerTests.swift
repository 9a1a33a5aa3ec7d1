import Testing
import TestSupport
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// A session that has had a lock to itself takes it without looking into the queue: on real servers, where others come at the worst moment.
@Suite(.timeLimit(.minutes(2))) struct VacancyServerTests {
    /// Often enough to count on it the next time.
    private func haveToItself(_ lock: DistributedLock) async throws -> Lease {
        for _ in 0..<20 { await (try lock.acquire()).release() }
        return try await lock.acquire()
    }

    private func sequence(_ lease: Lease, _ client: ZooKeeperClient, _ path: NodePath) async throws -> Int {
        let entry = try #require(try await client.queue(of: path).entries.first)
        #expect(entry.fencingToken == lease.fencingToken)
        return try #require(Int(entry.node.name.suffix(10)))
    }

    private func withTwo(_ body: (ZooKeeperClient, ZooKeeperClient) async throws -> Void) async throws {
        try await SharedServer.withRoot { configuration in
            try await ZooKeeperClient.with(configuration) { one in
                try await ZooKeeperClient.with(configuration) { other in try await body(one, other) }
            }
        }
    }

    @Test func somebodyWhoHasComeIsNotOvertaken() async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.lock("/lock"), try other.lock("/lock"))
            await (try await haveToItself(mine)).release()
            let held = try await theirs.acquire()
            let attempt = Task { try await mine.acquire() }
            try await untilChildren(of: mine.path, other, count: 2)
            #expect(try await mine.withLockIfAvailable { _ in } == nil)
            await held.release()
            let next = try await attempt.value
            #expect(next.fencingToken > held.fencingToken)
            await next.release()
        }
    }

    /// The path is deleted and made again, and others come and go until the number is the one that would follow.
    @Test(arguments: [0, 1, 2]) func anotherPathOfTheSameNameIsNotTakenForTheOldOne(more: Int) async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.lock("/lock"), try other.lock("/lock"))
            let last = try await haveToItself(mine)
            let number = try await sequence(last, other, mine.path)
            await last.release()
            try await other.delete(mine.path)
            // Up to a holder that has the number behind the last one, so that whoever comes now has the next but one; or fewer.
            for _ in 0..<(number + more - 1) { await (try theirs.acquire()).release() }
            let held = try await theirs.acquire()
            #expect(try await sequence(held, other, mine.path) == number + more - 1)
            #expect(try await mine.withLockIfAvailable { _ in } == nil)
            await held.release()
            #expect(try await mine.withLockIfAvailable { $0.fencingToken > held.fencingToken } == true)
        }
    }

    /// Many at a time, who come and go as they like, and nobody is ever inside beside somebody else.
    @Test func aLockThatIsMostlyOnesOwn() async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.lock("/lock"), try other.lock("/lock"))
            let inside = Recorder<Int>()
            try await withThrowingTaskGroup { group in
                for (worker, (lock, rounds)) in [(mine, 400), (theirs, 25), (mine, 20)].enumerated() {
                    group.addTask {
                        for round in 0..<rounds {
                            try await lock.withLock { lease in
                                let before = inside.all.count
                                inside.append(worker)
                                await Task.yield()
                                try lease.checkHeld()
                                #expect(inside.all.count == before + 1)
                            }
                            // In bursts, with pauses in which somebody else has the lock to itself.
                            if worker > 0, round % 5 == 4 { try await Task.sleep(for: .milliseconds(30)) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.all.count == 445)
            try await untilChildren(of: mine.path, one, count: 0)
        }
    }

    @Test func aCallerThatGivesUpLeavesNothing() async throws {
        try await withTwo { one, other in
            let lock = try one.lock("/lock")
            await (try await haveToItself(lock)).release()
            for round in 0..<100 {
                let attempt = Task { try await lock.acquire() }
                if round % 3 > 0 { await Task.yield() }
                attempt.cancel()
                if let lease = try? await attempt.value { await lease.release() }
            }
            try await untilChildren(of: lock.path, other, count: 0)
            #expect(try await lock.withLockIfAvailable { _ in true } == true)
        }
    }

    @Test func aLockWhoseServerRestarts() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let lock = try client.lock("/lock")
                let before = try await haveToItself(lock)
                await before.release()
                try await server.restart()
                let after = try await haveToItself(lock)
                #expect(after.fencingToken > before.fencingToken)
                await after.release()
                try await untilChildren(of: lock.path, client, count: 0)
            }
        }
    }
}
