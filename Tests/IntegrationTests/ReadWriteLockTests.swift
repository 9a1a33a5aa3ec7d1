import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@Suite(.weighty) struct ReadWriteLockTests {
    /// Waits until so many are in the queue.
    private func untilQueued(_ count: Int, at path: NodePath, _ client: ZooKeeperClient) async throws {
        for try await queue in client.queueChanges(of: path) where queue.entries.count == count { return }
    }

    @Test func readersShareAndWritersWaitForAll() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let first = try await lock.readLock.acquire()
            let second = try await lock.readLock.acquire()
            #expect(first.isHeld && second.isHeld)
            #expect(try await lock.writeLock.tryAcquire() == nil)
            let writer = Task { try await lock.writeLock.acquire() }
            try await untilQueued(3, at: lock.path, client)
            // Fair: behind a writer, although two readers hold.
            #expect(try await lock.readLock.tryAcquire() == nil)
            let third = Task { try await lock.readLock.acquire() }
            try await untilQueued(4, at: lock.path, client)
            // Out of order.
            await second.release()
            await first.release()
            let held = try await writer.value
            #expect(held.fencingToken > second.fencingToken)
            #expect(try await lock.readLock.tryAcquire() == nil)
            await held.release()
            await (try await third.value).release()
            try await expectNobodyLeft(at: lock.path, client)
        }
    }

    /// kazoo#649: a reader and the second writer watched each other. Whoever is waited for has a smaller number.
    @Test func aReaderAndASecondWriterDoNotWaitForEachOther() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let first = try await lock.writeLock.acquire()
            let reader = Task { try await lock.readLock.acquire(timeout: .seconds(20)) }
            try await untilQueued(2, at: lock.path, client)
            let second = Task { try await lock.writeLock.acquire(timeout: .seconds(20)) }
            try await untilQueued(3, at: lock.path, client)
            await first.release()
            let lease = try await reader.value
            await lease.release()
            await (try await second.value).release()
        }
    }

    /// A writer that gives up is no grant to the reader behind it: another writer may hold.
    @Test func aWriterThatGivesUpLetsNobodyIn() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let first = try await lock.writeLock.acquire()
            let second = Task { try await lock.writeLock.acquire() }
            try await untilQueued(2, at: lock.path, client)
            let granted = Recorder<Bool>()
            let reader = Task {
                let lease = try await lock.readLock.acquire()
                granted.append(true)
                return lease
            }
            try await untilQueued(3, at: lock.path, client)
            second.cancel()
            _ = await second.result
            #expect(try await lock.readLock.tryAcquire() == nil)
            #expect(granted.all.isEmpty)
            await first.release()
            await (try await reader.value).release()
        }
    }

    // MARK: Downgrade

    @Test func aWriterBecomesAReaderAheadOfAllWhoWait() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let writer = try await lock.writeLock.acquire()
            let token = writer.fencingToken
            let node = writer.node
            let reader = Task { try await lock.readLock.acquire() }
            try await untilQueued(2, at: lock.path, client)
            let granted = Recorder<Bool>()
            let next = Task {
                let lease = try await lock.writeLock.acquire()
                granted.append(true)
                return lease
            }
            try await untilQueued(3, at: lock.path, client)
            try await writer.downgrade()
            #expect(writer.fencingToken == token)
            #expect(writer.node != node)
            #expect(try await client.exists(node) == nil)
            #expect(writer.node.name == node.name.replacing("__WRIT__", with: "__READ__"))
            try await writer.proveHeld()
            let lease = try await reader.value
            #expect(writer.isHeld && lease.isHeld)
            await lease.release()
            #expect(granted.all.isEmpty)
            _ = try await client.commit(writer.guard(Transaction()))
            await writer.release()
            await (try await next.value).release()
            try await expectNobodyLeft(at: lock.path, client)
        }
    }

    /// The next writer watches the node that goes; the reader's that has come stands in its way.
    @Test func aDowngradeLetsNoWriterIn() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            for _ in 0..<20 {
                let writer = try await lock.writeLock.acquire()
                let next = Task { try await lock.writeLock.acquire() }
                let exclusive = Task { try await client.lock("/rw").acquire() }
                try await untilQueued(3, at: lock.path, client)
                try await writer.downgrade()
                // Whoever is woken by it has looked at the queue by then.
                for _ in 0..<3 { _ = try await client.children(lock.path) }
                let queue = try await client.queue(of: lock.path)
                #expect(queue.entries.count == 3)
                #expect(queue.entries.first?.node == writer.node)
                next.cancel()
                switch await next.result {
                case .success: Issue.record("a writer was let in beside a reader")
                case .failure(let error): #expect(error as? LockError == .cancelled(lock.path))
                }
                await writer.release()
                await (try await exclusive.value).release()
            }
        }
    }

    @Test func whatCannotBeDowngraded() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let reader = try await lock.readLock.acquire()
            let error = await #expect(throws: LockError.self) { try await reader.downgrade() }
            #expect(error?.session?.code == .invalidArgument)
            await reader.release()
            let writer = try await lock.writeLock.acquire()
            try await writer.downgrade()
            let again = await #expect(throws: LockError.self) { try await writer.downgrade() }
            #expect(again?.session?.code == .invalidArgument)
            await writer.release()
            await #expect(throws: LockError.released(lock.path)) { try await writer.downgrade() }
            let mutex = try await client.lock("/mutex").acquire()
            let wrong = await #expect(throws: LockError.self) { try await mutex.downgrade() }
            #expect(wrong?.session?.code == .invalidArgument)
            await mutex.release()
        }
    }

    /// The answer to the transaction is lost with the connection; the lease is kept, and no node is left at the end.
    @Test func aDowngradeLivesThroughALostConnection() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let lock = try client.readWriteLock("/rw")
                var kept = 0
                for round in 0..<6 {
                    let writer = try await lock.writeLock.acquire()
                    try server.pause()
                    let downgrade = Task { try await writer.downgrade() }
                    try await Task.sleep(for: .milliseconds(20 * round))
                    try server.resume()
                    if round % 2 == 0 { try await server.restart() }
                    do {
                        try await downgrade.value
                        #expect(try await client.children(lock.path) == [String(writer.node.name)])
                        kept += 1
                    } catch {
                        // On a busy machine the server may come back too late for the lease.
                        guard case LockError.lost? = error as? LockError else { throw error }
                    }
                    await writer.release()
                    try await expectNobodyLeft(at: lock.path, client)
                }
                #expect(kept > 0)
            }
        }
    }

    @Test func aNodeThatIsDeletedAfterADowngradeIsALoss() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let writer = try await lock.writeLock.acquire()
            try await writer.downgrade()
            var events = writer.events.makeAsyncIterator()
            try await client.delete(writer.node)
            #expect(await events.next() == .lost(.nodeDeleted))
        }
    }

    // MARK: Waiting for oneself

    @Test func anUpgradeIsRefused() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            func refusal(_ body: () async throws -> Void) async -> Bool {
                do {
                    try await body()
                    return false
                } catch LockError.wouldDeadlock(let path, let detail) {
                    return path == lock.path && !detail.isEmpty
                } catch {
                    return false
                }
            }
            try await lock.readLock.withLock { _ in
                #expect(await refusal { try await lock.writeLock.withLock { _ in } })
                #expect(await refusal { _ = try await lock.writeLock.tryAcquire() })
                #expect(await refusal { _ = try await lock.writeLock.acquire(timeout: .seconds(1)) })
                // A child task inherits what its parent holds.
                async let child = refusal { try await lock.writeLock.withLock { _ in } }
                #expect(await child)
                // Another lock is another matter.
                try await client.readWriteLock("/other").writeLock.withLock { _ in }
            }
            try await lock.writeLock.withLock { lease in
                #expect(await refusal { try await lock.writeLock.withLock { _ in } })
                #expect(await refusal { try await lock.readLock.withLock { _ in } })
                try await lease.downgrade()
                try await lock.readLock.withLock { _ in }
                #expect(await refusal { try await lock.writeLock.withLock { _ in } })
            }
            try await expectNobodyLeft(at: lock.path, client)
            try await lock.writeLock.withLock { _ in }
        }
    }

    @Test func aReaderInsideAReaderDoesNotWaitForAWriterThatWaitsForIt() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            try await lock.readLock.withLock { _ in
                try await lock.readLock.withLock { _ in }
                let writer = Task.detached { try await lock.writeLock.acquire() }
                try await untilQueued(2, at: lock.path, client)
                let error = await #expect(throws: LockError.self) { try await lock.readLock.withLock { _ in } }
                if case .wouldDeadlock? = error {} else { Issue.record("\(error as Any)") }
                writer.cancel()
                _ = await writer.result
            }
        }
    }

    /// A task that outlives the body in which it was started may write when that has ended.
    @Test func aLeaseThatIsOverForbidsNothing() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.readWriteLock("/rw")
            let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
            let task = try await lock.readLock.withLock { _ in
                Task {
                    for await _ in ended {}
                    try await lock.writeLock.withLock { _ in }
                }
            }
            continuation.finish()
            try await task.value
        }
    }

    // MARK: Others on the same path

    /// What Curator, kazoo and go-zookeeper leave in the path, by their names.
    @Test func contendersOfOtherLibrariesAreWaitedFor() async throws {
        try await SharedServer.withClient { client in
            let hex = "7f3c0a52111122223333444455556666"
            let curator = "_c_7f3c0a52-1111-2222-3333-444455556666-"
            let cases: [(prefix: String, readersWait: Bool)] = [
                (curator + "__READ__", false), (curator + "__WRIT__", true), (curator + "lock-", true),
                (hex + "__rlock__", false), (hex + "__lock__", true), ("_c_\(hex)-lock-", true),
            ]
            for (number, foreign) in cases.enumerated() {
                let lock = try client.readWriteLock("/rw-\(number)")
                try await client.create(lock.path, mode: .container)
                _ = try await client.create(try lock.path.appending("config"))
                let node = try await client.create(
                    try lock.path.appending(foreign.prefix), mode: .ephemeralSequential)
                #expect(try await lock.writeLock.tryAcquire() == nil)
                #expect(try await client.lock("/rw-\(number)").tryAcquire() == nil)
                let reader = try await lock.readLock.tryAcquire()
                #expect((reader == nil) == foreign.readersWait, "\(foreign.prefix)")
                #expect(try await client.queue(of: lock.path).others == ["config"])
                await reader?.release()
                try await client.delete(node.path)
                await (try await lock.writeLock.acquire(timeout: .seconds(60))).release()
            }
        }
    }

    @Test func namesForOtherLibraries() async throws {
        try await SharedServer.withClient { client in
            var options = DistributedLock.Options()
            var names: [String] = []
            for naming in ContenderNaming.allCases {
                options.naming = naming
                let lock = try client.lock("/lock", options: options)
                try await lock.withLock { lease in names.append(String(lease.node.name)) }
                let readWriteLock = try client.readWriteLock("/lock", options: options)
                try await readWriteLock.readLock.withLock { lease in names.append(String(lease.node.name)) }
                try await readWriteLock.writeLock.withLock { lease in names.append(String(lease.node.name)) }
            }
            let patterns = [
                "_c_[0-9a-f-]{36}-lock-[0-9]{10}", "_c_[0-9a-f-]{36}-__READ__[0-9]{10}",
                "_c_[0-9a-f-]{36}-__WRIT__[0-9]{10}", "[0-9a-f]{32}__lock__[0-9]{10}",
                "[0-9a-f]{32}__rlock__[0-9]{10}", "[0-9a-f]{32}__lock__[0-9]{10}",
                "_c_[0-9a-f]{32}-lock-[0-9]{10}", "_c_[0-9a-f]{32}-__READ__[0-9]{10}",
                "_c_[0-9a-f]{32}-__WRIT__[0-9]{10}",
            ]
            for (name, pattern) in zip(names, patterns) {
                let match = try name.wholeMatch(of: Regex(pattern))
                #expect(match != nil, "\(name) is not \(pattern)")
            }
            options.naming = .kazoo
            let writer = try await client.readWriteLock("/lock", options: options).writeLock.acquire()
            let error = await #expect(throws: LockError.self) { try await writer.downgrade() }
            #expect(error?.session?.code == .invalidArgument)
            await writer.release()
        }
    }
}
