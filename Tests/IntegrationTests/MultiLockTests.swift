import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Several locks at once, on real servers.
@Suite(.weighty) struct MultiLockTests {
    private static let names = ["/a", "/b", "/c"]

    /// That nothing is left below any of the paths.
    private func expectEmpty(
        _ paths: [NodePath], _ client: ZooKeeperClient, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for path in paths {
            let left = try await client.exists(path) == nil ? [] : try await client.children(path)
            #expect(left == [], "below \(path)", sourceLocation: sourceLocation)
        }
    }

    @Test func allAreHeldUnderOneTokenAndAllAreGivenBack() async throws {
        try await SharedServer.withClient { client in
            // No parent is there; two are named twice.
            let locks = try client.multiLock(["/deep/a", "/b", "/deep/a", "/deeper/still/c", "/b"])
            #expect(locks.paths.map(\.string) == ["/deep/a", "/b", "/deeper/still/c"])
            for _ in 0..<2 {
                let lease = try await locks.acquire()
                #expect(lease.isHeld && lease.path == locks.paths[0] && lease.node.parent == lease.path)
                for path in locks.paths {
                    let entry = try #require(try await client.queue(of: path).entries.first)
                    #expect(entry.fencingToken == lease.fencingToken)
                    #expect(try await client.lock(path.string).tryAcquire() == nil)
                }
                try lease.checkHeld()
                try await lease.proveHeld()
                await lease.release()
                try await expectEmpty(locks.paths, client)
            }
        }
    }

    @Test func oneThatIsTakenKeepsAllFromBeingGranted() async throws {
        try await SharedServer.withClient { client in
            let locks = try client.multiLock(Self.names)
            let single = try await client.lock("/b").acquire()
            #expect(try await locks.tryAcquire() == nil)
            do {
                _ = try await locks.acquire(timeout: .milliseconds(50))
                Issue.record("one of them was taken")
            } catch LockError.timedOut(let path, let ahead, let holder) {
                #expect(path.string == "/b" && ahead == 1 && holder?.node == single.node)
            }
            try await expectEmpty([locks.paths[0], locks.paths[2]], client)
            // Single ones queue with it: behind it in one queue, while it waits in another.
            let waiting = Task { try await locks.acquire() }
            try await untilChildren(of: locks.paths[0], client, count: 1)
            let behind = Task { try await client.lock("/a").acquire() }
            try await untilChildren(of: locks.paths[0], client, count: 2)
            await single.release()
            let lease = try await waiting.value
            #expect(lease.fencingToken > single.fencingToken)
            await lease.release()
            let last = try await behind.value
            #expect(last.fencingToken > lease.fencingToken)
            await last.release()
            try await expectEmpty(locks.paths, client)
        }
    }

    @Test func aTransactionIsGuardedByAll() async throws {
        try await SharedServer.withClient { client in
            let stock = try NodePath("/stock")
            try await client.create(stock)
            let locks = try client.multiLock(Self.names)
            let lease = try await locks.acquire()
            var sale = Transaction()
            sale.set(stock, data: [1])
            try await client.commit(lease.guard(sale))
            #expect(lease.guard(sale).count == 4)
            // Another client takes the last one away, and nobody has been told yet.
            let node = try #require(try await client.queue(of: locks.paths[2]).entries.first?.node)
            async let deletion: Void = client.delete(node)
            try await deletion
            await expect(.noNode) { try await client.commit(lease.guard(sale)) }
            await #expect(throws: LockError.self) { try await lease.proveHeld() }
            #expect(!lease.isHeld)
            await lease.release()
            try await expectEmpty(locks.paths, client)
        }
    }

    @Test(arguments: 0..<3) func whoeverLosesOneLosesAll(index: Int) async throws {
        try await SharedServer.withClient { client in
            let locks = try client.multiLock(Self.names)
            await #expect(throws: LockError.self) {
                try await locks.withLocks { lease in
                    let events = lease.events
                    let node = try #require(try await client.queue(of: locks.paths[index]).entries.first?.node)
                    try await client.delete(node)
                    let last = await first(of: events) { if case .lost = $0 { true } else { false } }
                    #expect(last == .lost(.nodeDeleted))
                    try await Task.sleep(for: .seconds(30))
                }
            }
            try await expectEmpty(locks.paths, client)
            try await locks.withLocks { _ in }
        }
    }

    /// The places in the other queues are given up, too, and all are taken again together: by one transaction, so by one number.
    @Test(arguments: 0..<3) func whoeverLosesAPlaceTakesAllAnew(index: Int) async throws {
        try await SharedServer.withClient { client in
            let locks = try client.multiLock(Self.names)
            let holder = try await client.lock("/b").acquire()
            let waiting = Task { try await locks.acquire() }
            try await untilChildren(of: locks.paths[1], client, count: 2)
            let before = try await client.queue(of: locks.paths[index]).entries
            let node = try #require(before.last?.node)
            try await client.delete(node)
            while true {
                let last = try await client.queue(of: locks.paths[index]).entries.last
                if let last, last.node != node, last.node != holder.node { break }
                await Task.yield()
            }
            await holder.release()
            let lease = try await waiting.value
            for path in locks.paths {
                #expect(try await client.queue(of: path).entries.map(\.fencingToken) == [lease.fencingToken])
            }
            #expect(try #require(before.last?.fencingToken) < lease.fencingToken)
            await lease.release()
            try await expectEmpty(locks.paths, client)
        }
    }

    /// All or none: where one may not be entered, none is.
    @Test func whoMayNotEnterOneIsToldWhichAndEntersNone() async throws {
        try await SharedServer.withRoot { configuration in
            func client(_ user: String) async throws -> ZooKeeperClient {
                var configuration = configuration
                configuration.credentials = [.digest(user: user, password: "secret of \(user)")]
                return try await ZooKeeperClient.connect(configuration)
            }
            let (ann, eve) = (try await client("ann"), try await client("eve"))
            var options = MultiLock.Options()
            options.acl = [.creator]
            let ours = try ann.multiLock(["/private", "/deep/private"], options: options)
            try await ours.withLocks { lease in try await lease.proveHeld() }
            let theirs = try eve.multiLock(["/open", "/deep/private", "/other"])
            do {
                _ = try await theirs.acquire()
                Issue.record("was allowed")
            } catch {
                #expect((error as? LockError)?.session?.code == .notAuthorized, "\(error)")
                #expect("\(error)".contains("the right 'create' is missing on /deep/private"), "\(error)")
            }
            try await expectEmpty([theirs.paths[0], theirs.paths[2]], eve)
            try await expectEmpty(ours.paths, ann)
            await ann.close()
            await eve.close()
        }
    }

    @Test func whatIsRefusedAtOnce() async throws {
        try await SharedServer.withClient { client in
            var options = MultiLock.Options()
            func expectRefusal(_ code: ZooKeeperError.Code, _ paths: [String]) {
                do {
                    _ = try client.multiLock(paths, options: options)
                    Issue.record("\(paths.prefix(3)) should have been refused")
                } catch {
                    #expect(error.code == code, "\(error)")
                }
            }
            expectRefusal(.invalidArgument, [])
            expectRefusal(.invalidArgument, ["/a", "/"])
            expectRefusal(.invalidPath, ["/a", "b"])
            expectRefusal(.invalidArgument, (0...MultiLock.maximumPaths).map { "/\($0)" })
            let long = String(repeating: "x", count: 3900)
            expectRefusal(.dataTooLarge, (0..<260).map { "/\(long)\($0)" })
            options.payload = Array(repeating: 7, count: 60_000)
            expectRefusal(.dataTooLarge, (0..<20).map { "/\($0)" })
            options = .init()
            options.isReentrant = true
            expectRefusal(.invalidArgument, ["/a", "/b"])
            options = .init()
            options.fairness = .perProcess(maxConsecutive: 10)
            expectRefusal(.invalidArgument, ["/a", "/b"])
            let locks = try client.multiLock(["/a"])
            await #expect(throws: LockError.self) { try await locks.acquire(timeout: .seconds(-1)) }
            try await locks.withLocks { lease in
                await #expect(throws: LockError.self) { try await lease.downgrade() }
                try lease.checkHeld()
            }
        }
    }

    @Test(arguments: [1, 2, 40, 300]) func ofAnyNumber(count: Int) async throws {
        try await SharedServer.withClient { client in
            let locks = try client.multiLock((0..<count).map { "/many/\($0)" })
            for _ in 0..<2 {
                try await locks.withLocks(timeout: .seconds(30)) { lease in
                    try await lease.proveHeld()
                    let last = try #require(locks.paths.last)
                    #expect(try await client.queue(of: last).entries.map(\.fencingToken) == [lease.fencingToken])
                }
                try await expectEmpty(locks.paths, client)
            }
        }
    }
}
