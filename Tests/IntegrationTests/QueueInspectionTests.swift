import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// What somebody sees who looks on.
@Suite(.weighty) struct QueueInspectionTests {
    @Test func theQueueIsSeenInOrderWithItsOwners() async throws {
        try await SharedServer.withClient { client in
            var options = DistributedLock.Options()
            options.label = "first"
            let holder = try await client.lock("/lock", options: options).acquire()
            // Made by hand, as kazoo and go-zookeeper name theirs; and something else that must not matter.
            let path = try NodePath("/lock")
            let kazoo = try await client.create(
                try path.appending("7f3c0a52111122223333444455556666__lock__"), data: Array("host-7".utf8),
                mode: .ephemeralSequential)
            let go = try await client.create(
                try path.appending("_c_7f3c0a52111122223333444455556666-lock-"), mode: .persistentSequential)
            try await client.create(try path.appending("config"))

            let queue = try await client.queue(of: path)
            #expect(queue.entries.map(\.node) == [holder.node, kazoo.path, go.path])
            #expect(queue.entries.map(\.naming) == [.curator, .kazoo, .goZookeeper])
            #expect(queue.others == ["config"])
            #expect(queue.holder?.owner?.label == "first")
            #expect(queue.holder?.fencingToken == holder.fencingToken)
            #expect(queue.holder?.session == client.sessionID)
            #expect(queue.waiting.first?.identifier == "host-7")
            #expect(queue.waiting.last?.session == 0)
            #expect(queue.ahead(of: go.path) == 2)
            #expect(queue.entry(with: FencingToken(rawValue: kazoo.stat.czxid))?.node == kazoo.path)
            await holder.release()
        }
    }

    @Test func sinceWhenAHolderHoldsIsToldWhereItIsKnown() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            func queue() async throws -> QueueSnapshot { try await client.queue(of: lock.path) }
            // The first one ever, and still so when somebody waits.
            let first = try await lock.acquire()
            var seen = try await queue()
            #expect(seen.holdingSince == seen.holder?.entered)
            let second = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 2)
            let third = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 3)
            seen = try await queue()
            #expect(seen.holdingSince == seen.holder?.entered)
            // A holder that never waited leaves no word.
            await first.release()
            let waited = try await second.value
            seen = try await queue()
            #expect(seen.holder?.node == waited.node)
            #expect(seen.holdingSince == nil)
            // One that has waited does; that is when the next one held.
            await waited.release()
            let last = try await third.value
            seen = try await queue()
            #expect(seen.holder?.node == last.node)
            let since = try #require(seen.holdingSince)
            #expect(since == (try await client.exists(lock.path))?.mtime)
            #expect(since >= seen.entries[0].entered)
            await last.release()
            // Nobody was there when this one came.
            let alone = try await lock.acquire()
            seen = try await queue()
            #expect(seen.holdingSince == seen.holder?.entered)
            await alone.release()
            #expect(try await queue().holdingSince == nil)
        }
    }

    @Test func aMissingPathIsAnEmptyQueue() async throws {
        try await SharedServer.withClient { client in
            let queue = try await client.queue(of: NodePath("/nothing"))
            #expect(queue == QueueSnapshot(path: try NodePath("/nothing")))
            let locks = try await client.locks(beneath: NodePath("/nothing"))
            #expect(locks == [])
        }
    }

    @Test func changesAreToldFromBeforeThePathExistsUntilAfterItsEnd() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/lock")
            var changes = client.queueChanges(of: path).makeAsyncIterator()
            #expect(try await changes.next()?.entries == [])
            let lock = try client.lock("/lock")
            let first = try await lock.acquire()
            var seen = try await changes.next()
            // The path itself is created first.
            while seen?.entries.isEmpty == true { seen = try await changes.next() }
            #expect(seen?.entries.map(\.node) == [first.node])
            let waiter = Task { try await lock.acquire() }
            let both = try await changes.next()
            #expect(both?.entries.count == 2)
            await first.release()
            let second = try await waiter.value
            #expect(try await changes.next()?.entries.map(\.node) == [second.node])
            await second.release()
            #expect(try await changes.next()?.entries == [])
            try await client.delete(path)
            let again = try await lock.acquire()
            seen = try await changes.next()
            #expect(seen?.entries.map(\.node) == [again.node])
            await again.release()
        }
    }

    @Test func aReaderThatIsCancelledEnds() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/lock")
            let reader = Task {
                var count = 0
                for try await _ in client.queueChanges(of: path) { count += 1 }
                return count
            }
            reader.cancel()
            #expect(try await reader.value <= 1)
        }
    }

    @Test func allLocksBeneathARootAreFound() async throws {
        try await SharedServer.withClient { client in
            let stock = try await client.lock("/shop/stock/sku-1").acquire()
            let orders = try await client.lock("/shop/orders").acquire()
            let waiter = Task { try await client.lock("/shop/orders").acquire() }
            var changes = client.queueChanges(of: orders.path).makeAsyncIterator()
            while try await changes.next()?.entries.count != 2 {}
            let locks = try await client.locks(beneath: NodePath("/shop"))
            #expect(locks.map(\.path) == [orders.path, stock.path])
            #expect(locks.map(\.waiting) == [1, 0])
            #expect(locks.map(\.holder.node) == [orders.node, stock.node])
            let all = try await client.locks(beneath: .root)
            #expect(all == locks)
            await orders.release()
            await stock.release()
            await (try waiter.value).release()
        }
    }
}
