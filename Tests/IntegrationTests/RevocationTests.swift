import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@Suite(.weighty) struct RevocationTests {
    @Test func aHolderIsAskedAndGivesUpAndTheNextOneHolds() async throws {
        try await SharedServer.withRoot { configuration in
            let (mine, theirs) = (
                try await ZooKeeperClient.connect(configuration), try await ZooKeeperClient.connect(configuration)
            )
            var options = DistributedLock.Options()
            options.label = "slow one"
            let lease = try await mine.lock("/lock", options: options).acquire()
            let lock = try theirs.lock("/lock")
            let next = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 2)
            var events = lease.events.makeAsyncIterator()
            #expect(lease.revocation == nil)

            let asked = try #require(try await lock.revoke(reason: "my turn"))
            #expect(asked.node == lease.node)
            guard case .revocationRequested(let request)? = await events.next() else {
                Issue.record("not told")
                return
            }
            #expect(request.reason == "my turn")
            #expect(request.pid ?? 0 > 0)
            #expect(lease.revocation == request)
            #expect(lease.isHeld)
            // Its record is still there.
            let queue = try await theirs.queue(of: lock.path)
            #expect(queue.holder?.owner?.label == "slow one")
            #expect(queue.holder?.revocation == request)
            #expect(queue.waiting.first?.revocation == nil)
            // A reader that comes later is told as well.
            var later = lease.events.makeAsyncIterator()
            #expect(await later.next() == .revocationRequested(request))

            await lease.release()
            await (try await next.value).release()
            await mine.close()
            await theirs.close()
        }
    }

    @Test func oneWhoWaitsIsToldWhenItHolds() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let first = try await lock.acquire()
            let second = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 2)
            let waiter = try #require(try await client.queue(of: lock.path).waiting.first)
            let asked = try await lock.revoke(token: waiter.fencingToken, reason: "not you")
            #expect(asked?.node == waiter.node)
            await first.release()
            let lease = try await second.value
            var events = lease.events.makeAsyncIterator()
            guard case .revocationRequested(let request)? = await events.next() else {
                Issue.record("not told")
                return
            }
            #expect(request.reason == "not you")
            await lease.release()
        }
    }

    @Test func aFreeLockHasNobodyToAsk() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            #expect(try await lock.revoke() == nil)
            await (try await lock.acquire()).release()
            #expect(try await lock.revoke() == nil)
        }
    }

    @Test func onlyTheTokenThatIsNamedIsBroken() async throws {
        try await SharedServer.withRoot { configuration in
            let (mine, theirs) = (
                try await ZooKeeperClient.connect(configuration), try await ZooKeeperClient.connect(configuration)
            )
            let lock = try theirs.lock("/lock")
            let old = try await mine.lock("/lock").acquire()
            await old.release()
            let lease = try await mine.lock("/lock").acquire()
            let error = await #expect(throws: LockError.self) { try await lock.break(token: old.fencingToken) }
            guard case .noContender(lock.path, old.fencingToken, let holder)? = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(holder?.fencingToken == lease.fencingToken)
            #expect("\(error as Any)".contains("\(lease.fencingToken)"))
            #expect(lease.isHeld)
            // A request changes the version of the data; the token is what counts.
            try await lock.revoke()
            var events = lease.events.makeAsyncIterator()
            let broken = try await lock.break(token: lease.fencingToken)
            #expect(broken?.node == lease.node)
            var last: LeaseEvent?
            while let event = await events.next() { last = event }
            #expect(last == .lost(.nodeDeleted))
            await #expect(throws: LockError.self) { try await lock.break(token: lease.fencingToken) }
            await lease.release()
            await mine.close()
            await theirs.close()
        }
    }

    @Test func aHolderHasTheGraceToGoByItself() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let lease = try await lock.acquire()
            let start = ContinuousClock.now
            try await ZooKeeperClient.with(client.configuration) { other in
                let lock = try other.lock("/lock")
                let breaking = Task { try await lock.break(token: lease.fencingToken, after: .seconds(60)) }
                // Until it has seen the holder, it would find nobody with that token.
                while try await watchers(of: lease.node) < 2 { await Task.yield() }
                await lease.release()
                #expect(try await breaking.value == nil)
            }
            #expect(.now - start < .seconds(30))

            let stuck = try await lock.acquire()
            let taken = try await lock.break(token: stuck.fencingToken, after: .milliseconds(100))
            #expect(taken?.node == stuck.node)
            await stuck.release()

            let third = try await lock.acquire()
            let breaking = Task { try await lock.break(token: third.fencingToken, after: .seconds(60)) }
            breaking.cancel()
            await #expect(throws: LockError.cancelled(lock.path)) { try await breaking.value }
            #expect(third.isHeld)
            await third.release()
        }
    }

    /// How many sessions watch a node whose name is known nowhere else.
    private func watchers(of node: NodePath) async throws -> Int {
        let lines = try await SharedServer.server.value.fourLetterWord("wchp").split(separator: "\n")
        guard let index = lines.firstIndex(where: { $0.hasSuffix(node.name) }) else { return 0 }
        return lines[(index + 1)...].prefix { !$0.hasPrefix("/") }.count
    }

    /// As another program changes the node at the same time.
    @Test func requestsThatCrossAreBothWritten() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let lease = try await lock.acquire()
            let told = Recorder<RevocationRequest>()
            let events = lease.events
            let listener = Task {
                for await case .revocationRequested(let request) in events { told.append(request) }
            }
            try await withThrowingTaskGroup { group in
                for number in 0..<5 { group.addTask { _ = try await lock.revoke(reason: "\(number)") } }
                try await group.waitForAll()
            }
            let last = try #require(try await client.queue(of: lock.path).holder?.revocation)
            #expect(try await client.exists(lease.node)?.version == 5)
            // Requests that come faster than they are read show as one; the last is always told.
            while told.all.last != last { await Task.yield() }
            #expect(Set(told.all).count == told.all.count)
            await lease.release()
            await listener.value
        }
    }

    @Test func contendersOfOtherLibraries() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/lock")
            let lock = try client.lock("/lock")
            try await client.create(path)
            let uuid = "7f3c0a52-1111-2222-3333-444455556666"
            // Curator's data is an address, unless the lock was made revocable.
            let fixed = try await client.create(
                path.appending("_c_\(uuid)-lock-"), data: Array("10.0.0.7".utf8), mode: .ephemeralSequential)
            let error = await #expect(throws: LockError.self) { try await lock.revoke() }
            guard case .notRevocable(path, let holder)? = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(holder.node == fixed.path)
            #expect(try await client.get(fixed.path).data == Array("10.0.0.7".utf8))
            let revocable = try await client.create(
                path.appending("_c_\(uuid)-lock-"), mode: .ephemeralSequential)
            try await lock.revoke(token: FencingToken(rawValue: revocable.stat.czxid))
            #expect(try await client.get(revocable.path).data == Array("__REVOKE__".utf8))
            try await client.delete(fixed.path)
            try await client.delete(revocable.path)

            // And the other way round: as Curator's Revoker does it.
            let lease = try await lock.acquire()
            var events = lease.events.makeAsyncIterator()
            try await client.set(lease.node, data: Array("__REVOKE__".utf8))
            #expect(await events.next() == .revocationRequested(RevocationRequest()))
            await lease.release()
        }
    }

    /// Requests of a task that is cancelled end with an error of their own, which is no reason of the body's.
    @Test func aBodyThatIsToldToStopInTheMiddleOfARequestHasLostTheLock() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let (_, watch) = try await client.existsAndWatch(NodePath("/nothing"))
            let body = Task {
                try await lock.withLock { lease in
                    Task { try await lock.break(token: lease.fencingToken) }
                    _ = try await watch.event()
                }
            }
            let error = await #expect(throws: LockError.self) { try await body.value }
            guard case .lost(lock.path, .nodeDeleted, _)? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func aReasonIsNotABook() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let lease = try await lock.acquire()
            let error = await #expect(throws: LockError.self) {
                try await lock.revoke(reason: String(repeating: "x", count: 1025))
            }
            #expect(error?.session?.code == .dataTooLarge)
            await lease.release()
        }
    }
}
