import Testing
import TestSupport
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// A session that has had a lock to itself takes it without looking into the queue: on real servers, where others come at the worst moment.
@Suite(.timeLimit(.minutes(5))) struct VacancyServerTests {
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

    /// Puts another path of the same name in its place, of which so many numbers are used up: in next to no time, as whoever was alone here
    /// counts on that for a fifth of a second only.
    ///
    /// - Parameter holder: the name of one who is in the queue from the beginning.
    private func makeAnew(
        _ path: NodePath, usingUp count: Int, holder: String? = nil, _ client: ZooKeeperClient
    ) async throws {
        var transaction = Transaction()
        transaction.delete(path)
        transaction.create(path)
        for number in 0..<count {
            let child = try path.appending("used-\(number)")
            transaction.create(child)
            transaction.delete(child)
        }
        if let holder { transaction.create(try path.appending(holder), mode: .ephemeral) }
        _ = try await client.commit(transaction)
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
            // Up to a holder that has the number behind the last one, so that whoever comes now has the next but one; or fewer.
            try await makeAnew(mine.path, usingUp: number + more - 1, other)
            let held = try await theirs.acquire()
            #expect(try await sequence(held, other, mine.path) == number + more - 1)
            #expect(try await mine.withLockIfAvailable { _ in } == nil)
            await held.release()
            #expect(try await mine.withLockIfAvailable { $0.fencingToken > held.fencingToken } == true)
        }
    }

    /// What shows that it is another path arrives when the request to enter is on its way, which gets the number that would follow.
    @Test func aPathThatIsReplacedWhileTheNextOneIsOnItsWay() async throws {
        try await withTwo { one, other in
            var replaced = 0
            for round in 0..<40 {
                let lock = try one.lock("/lock-\(round)")
                let last = try await haveToItself(lock)
                let number = try await sequence(last, other, lock.path)
                await last.release()
                let replacement = Task {
                    let holder = "_c_7f3c0a52-1111-2222-3333-444455556666-lock-0000000000"
                    try await makeAnew(lock.path, usingUp: number, holder: holder, other)
                }
                if round % 2 == 1 { await Task.yield() }
                let lease = try await lock.tryAcquire()
                // It fails where this one was there first.
                if case .success = await replacement.result {
                    replaced += 1
                    #expect(lease == nil)
                }
                await lease?.release()
            }
            #expect(replaced > 0)
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

    /// Whoever watches the same path, and whether it still cares, makes no difference.
    @Test(arguments: [true, false]) func somebodyElsesWatchOnTheSamePath(isFirst: Bool) async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.lock("/lock"), try other.lock("/lock"))
            await (try mine.acquire()).release()
            var watch: Watch? = isFirst ? try await one.getAndWatch(mine.path).watch : nil
            let last = try await haveToItself(mine)
            let number = try await sequence(last, other, mine.path)
            if !isFirst { watch = try await one.getAndWatch(mine.path).watch }
            // Dropped.
            watch = nil
            #expect(watch == nil)
            await last.release()
            try await makeAnew(mine.path, usingUp: number, other)
            let held = try await theirs.acquire()
            #expect(try await sequence(held, other, mine.path) == number)
            #expect(try await mine.withLockIfAvailable { _ in } == nil)
            await held.release()
        }
    }

    /// A reader had the queue to itself; and then there is one of another client that a reader does not mind, and a writer does.
    @Test func aWriterMindsTheReadersThatAReaderDoesNot() async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.readWriteLock("/lock"), try other.readWriteLock("/lock"))
            for _ in 0..<10 {
                await (try mine.readLock.acquire()).release()
                await (try mine.writeLock.acquire()).release()
            }
            let held = try await theirs.readLock.acquire()
            for _ in 0..<20 { await (try mine.readLock.acquire()).release() }
            #expect(try await mine.writeLock.withLockIfAvailable { _ in } == nil)
            await held.release()
            for _ in 0..<20 { await (try mine.readLock.acquire()).release() }
            // A reader in the place of a writer.
            let writer = try await mine.writeLock.acquire()
            try await writer.downgrade()
            #expect(try await mine.writeLock.withLockIfAvailable { _ in } == nil)
            #expect(try await theirs.writeLock.withLockIfAvailable { _ in } == nil)
            #expect(try await mine.readLock.withLockIfAvailable { _ in true } == true)
            #expect(try await mine.writeLock.withLockIfAvailable { _ in } == nil)
            await writer.release()
            #expect(try await mine.writeLock.withLockIfAvailable { _ in true } == true)
        }
    }

    /// The znode of the holder, and with it its number, is taken away by hand while others of the session come and go.
    @Test func aHolderWhoseZnodeIsDeletedByHand() async throws {
        try await withTwo { one, other in
            let lock = try one.lock("/lock")
            for _ in 0..<10 {
                let lease = try await haveToItself(lock)
                try await other.delete(lease.node)
                let next = try await lock.acquire()
                #expect(next.fencingToken > lease.fencingToken)
                #expect(try await lock.withLockIfAvailable { _ in } == nil)
                await lease.release()
                #expect(try await lock.withLockIfAvailable { _ in } == nil)
                await next.release()
            }
            try await untilChildren(of: lock.path, other, count: 0)
        }
    }

    /// The layout is looked at each time, also where the listings are saved.
    @Test func stripesThatAreOthersMeanwhile() async throws {
        try await withTwo { one, other in
            let lock = try one.stripedLock("/stripes", stripes: 4)
            for _ in 0..<20 { await (try lock.acquire(["key"])).release() }
            let (data, stat) = try await other.get(lock.path)
            try await other.set(lock.path, data: Array("something else".utf8))
            await #expect(throws: LockError.self) { try await lock.acquire(["key"]) }
            try await other.set(lock.path, data: data, version: stat.version + 1)
            await (try lock.acquire(["key"])).release()
        }
    }

    /// Where the path may be written and not read, nothing is known, and nothing is taken.
    @Test func aPathThatMayNotBeReadAnyMore() async throws {
        try await withTwo { one, other in
            let (mine, theirs) = (try one.lock("/lock"), try other.lock("/lock"))
            await (try haveToItself(mine)).release()
            let held = try await theirs.acquire()
            try await other.setACL([ACL(.all.subtracting(.read), scheme: "world", id: "anyone")], of: mine.path)
            await #expect(throws: LockError.self) { try await mine.acquire() }
            try await other.setACL([.open], of: mine.path)
            await held.release()
            await (try mine.acquire()).release()
        }
    }
}
