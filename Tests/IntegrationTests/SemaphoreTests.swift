import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@Suite(.weighty) struct SemaphoreTests {
    private func untilQueued(_ count: Int, at path: NodePath, _ client: ZooKeeperClient) async throws {
        for try await queue in client.queueChanges(of: path) where queue.entries.count == count { return }
    }

    @Test func permitsAreSharedAndNoMoreThanThereAre() async throws {
        try await SharedServer.withClient { client in
            let semaphore = try client.semaphore("/permits", permits: 3)
            let first = try await semaphore.acquire()
            let second = try await semaphore.acquire(permits: 2)
            #expect(try await semaphore.tryAcquire() == nil)
            let queue = try await client.queue(of: semaphore.path)
            #expect(queue.permits == 3)
            #expect(queue.entries.map(\.claim) == [.permits(1), .permits(2)])
            #expect(queue.holders.count == 2 && queue.waiting.isEmpty)
            await second.release()
            try await semaphore.withPermits(2) { _ in
                let none: Void? = try await semaphore.withPermitsIfAvailable { _ in }
                #expect(none == nil)
            }
            await first.release()
            try await expectNobodyLeft(at: semaphore.path, client)
        }
    }

    /// One who wants many is not overtaken by those who want few.
    @Test func firstComeFirstServed() async throws {
        try await SharedServer.withClient { client in
            let semaphore = try client.semaphore("/permits", permits: 3)
            let first = try await semaphore.acquire()
            let all = Task { try await semaphore.acquire(permits: 3) }
            try await untilQueued(2, at: semaphore.path, client)
            // Two are free, and kept for the one who waits.
            #expect(try await semaphore.tryAcquire() == nil)
            let single = Task { try await semaphore.acquire() }
            try await untilQueued(3, at: semaphore.path, client)
            #expect(try await client.queue(of: semaphore.path).holders.count == 1)
            await first.release()
            let lease = try await all.value
            #expect(try await client.queue(of: semaphore.path).waiting.count == 1)
            await lease.release()
            await (try await single.value).release()
        }
    }

    /// One release of many permits lets in as many as there is room for: each tells the one behind.
    @Test func manyAreLetInByOneRelease() async throws {
        try await SharedServer.withClient { client in
            let semaphore = try client.semaphore("/permits", permits: 5)
            let all = try await semaphore.acquire(permits: 5)
            let waiters = (0..<7).map { _ in Task { try await semaphore.acquire() } }
            try await untilQueued(8, at: semaphore.path, client)
            let granted = Recorder<Lease>()
            let watchers = waiters.map { waiter in Task { granted.append(try await waiter.value) } }
            await all.release()
            while granted.all.count < 5 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await client.queue(of: semaphore.path).waiting.count == 2)
            #expect(granted.all.count == 5)
            for lease in granted.all { await lease.release() }
            for watcher in watchers { _ = try await watcher.value }
            for lease in granted.all { await lease.release() }
            try await expectNobodyLeft(at: semaphore.path, client)
        }
    }

    /// kazoo's semaphore forgets its lease on a reconnect. Here it is found again, or gone with its session: none is kept for nobody.
    @Test func aLeaseIsNotOrphanedByAReconnect() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let semaphore = try client.semaphore("/permits", permits: 2)
                for round in 0..<5 {
                    let held = try await semaphore.acquire()
                    let entering = (0..<6).map { _ in
                        Task { await (try await semaphore.acquire(timeout: .seconds(20))).release() }
                    }
                    try await Task.sleep(for: .milliseconds(3 * round))
                    try await server.restart()
                    await held.release()
                    for task in entering { try await task.value }
                    try await expectNobodyLeft(at: semaphore.path, client)
                }
            }
        }
    }

    @Test func whoNamesAnotherNumberIsRefused() async throws {
        try await SharedServer.withClient { client in
            let lease = try await client.semaphore("/permits", permits: 3).acquire()
            let other = try client.semaphore("/permits", permits: 4)
            await #expect(throws: LockError.permitsDisagree(other.path, expected: 4, found: 3)) {
                try await other.acquire()
            }
            await #expect(throws: LockError.permitsDisagree(other.path, expected: 4, found: 3)) {
                _ = try await other.tryAcquire()
            }
            #expect(try await client.children(other.path) == [String(lease.node.name)])
            await lease.release()
            // Whatever a mutex writes there must not make it forget.
            for _ in 0..<3 { await (try await client.lock("/permits").acquire()).release() }
            let path = try NodePath("/lock")
            await (try await client.lock("/lock").acquire()).release()
            let wrong = try client.semaphore("/lock", permits: 1)
            await #expect(throws: LockError.permitsDisagree(path, expected: 1, found: nil)) {
                try await wrong.acquire()
            }
            try await client.delete(other.path)
            try await other.withPermits(4) { _ in }
        }
    }

    @Test func whatIsRefusedAtOnce() async throws {
        try await SharedServer.withClient { client in
            for permits in [0, -1, Int.max, 100_000_000] {
                #expect(throws: ZooKeeperError.self) { try client.semaphore("/permits", permits: permits) }
            }
            let semaphore = try client.semaphore("/permits", permits: 3)
            for count in [0, -1, 4, Int.max] {
                let error = await #expect(throws: LockError.self) { try await semaphore.acquire(permits: count) }
                #expect(error?.session?.code == .invalidArgument)
            }
            var options = DistributedSemaphore.Options()
            options.naming = .kazoo
            #expect(throws: ZooKeeperError.self) { try client.semaphore("/permits", permits: 3, options: options) }
            options = .init()
            options.acl = [ACL([.read, .create, .delete], scheme: "world", id: "anyone")]
            #expect(throws: ZooKeeperError.self) { try client.semaphore("/permits", permits: 3, options: options) }
            #expect(try await client.exists(semaphore.path) == nil)
        }
    }

    /// A mutex on the same path waits for all who hold permits, and who want permits wait for it.
    @Test func aMutexOnTheSamePath() async throws {
        try await SharedServer.withClient { client in
            let semaphore = try client.semaphore("/permits", permits: 2)
            let lock = try client.lock("/permits")
            let lease = try await semaphore.acquire()
            #expect(try await lock.tryAcquire() == nil)
            await lease.release()
            let held = try await lock.acquire()
            #expect(try await semaphore.tryAcquire() == nil)
            let waiter = Task { try await semaphore.acquire(permits: 2) }
            try await untilQueued(2, at: semaphore.path, client)
            await held.release()
            await (try await waiter.value).release()
        }
    }

    /// Somebody who waits gives up, anywhere in the queue, and somebody whose znode is deleted by hand comes again.
    @Test func waitersThatGoHoldUpNobody() async throws {
        try await SharedServer.withClient { client in
            let semaphore = try client.semaphore("/permits", permits: 2)
            let held = [try await semaphore.acquire(), try await semaphore.acquire()]
            var waiters: [Task<Void, any Error>] = []
            for count in 3...8 {
                waiters.append(Task { await (try await semaphore.acquire()).release() })
                try await untilQueued(count, at: semaphore.path, client)
            }
            // The first of those who wait, and one in the middle.
            for index in [0, 3] {
                waiters[index].cancel()
                _ = await waiters[index].result
            }
            let queue = try await client.queue(of: semaphore.path)
            let front = try #require(queue.waiting.first)
            try await client.delete(front.node)
            for lease in held { await lease.release() }
            for index in [1, 2, 4, 5] { try await waiters[index].value }
            try await expectNobodyLeft(at: semaphore.path, client)
        }
    }
}
