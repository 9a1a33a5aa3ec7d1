import TestSupport
import Testing
import ZooKeeper

@Suite(.timeLimit(.minutes(5))) struct ClientWatchTests {
    @Test func aWatchSeesOneEvent() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/w")
            try await client.create(path)
            let data = try await client.getAndWatch(path).watch
            let children = try await client.childrenAndWatch(path).watch
            let missing = try await client.existsAndWatch(NodePath("/w/child"))
            #expect(missing.stat == nil)
            try await client.set(path, data: [1])
            #expect(try await data.event() == WatchEvent(.dataChanged, path: path))
            try await client.set(path, data: [2])
            // The same event again, however often it is asked for.
            #expect(try await data.event() == WatchEvent(.dataChanged, path: path))
            try await client.create(NodePath("/w/child"))
            #expect(try await children.event().kind == .childrenChanged)
            #expect(try await missing.watch.event().kind == .created)
            let deleted = try await client.getAndWatch(NodePath("/w/child")).watch
            try await client.delete(NodePath("/w/child"))
            #expect(try await deleted.event() == WatchEvent(.deleted, path: try NodePath("/w/child")))
        }
    }

    @Test func aCancelledWaiterLeavesTheWatch() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/w")
            try await client.create(path)
            let watch = try await client.getAndWatch(path).watch
            let waiter = Task { try await watch.event() }
            waiter.cancel()
            await expect(.cancelled) { try await waiter.value }
            try await client.delete(path)
            #expect(try await watch.event().kind == .deleted)
        }
    }

    @Test func aClosedClientEndsTheWatches() async throws {
        try await SharedServer.withRoot { configuration in
            let client = try await ZooKeeperClient.connect(configuration)
            try await client.create(NodePath("/w"))
            let watch = try await client.getAndWatch(NodePath("/w")).watch
            let waiter = Task { try await watch.event() }
            await client.close()
            await expect(.closed) { try await waiter.value }
        }
    }

    @Test func changesFollowAZnodeThatComesAndGoes() async throws {
        try await SharedServer.withRoot { configuration in
            let server = try await SharedServer.server.value
            let client = try await ZooKeeperClient.connect(configuration.with(sessionTimeout: .seconds(2)))
            let path = try NodePath("/c")
            var changes = client.changes(of: path).makeAsyncIterator()
            #expect(try await changes.next()?.map(\.data) == .some(nil))
            try await client.create(path, data: [1])
            #expect(try await changes.next()??.data == [1])
            try await client.set(path, data: [2])
            #expect(try await changes.next()??.data == [2])
            // The value is told again after an expiry, which may have hidden a change.
            let states = client.states
            try await server.expireSession(of: client)
            _ = await first(of: states) { $0 == .expired }
            #expect(try await changes.next()??.data == [2])
            try await client.delete(path)
            #expect(try await changes.next()?.map(\.data) == .some(nil))

            var children = client.childrenChanges(of: .root).makeAsyncIterator()
            #expect(try await children.next() == [])
            try await client.create(path)
            #expect(try await children.next() == ["c"])
            await client.close()
            await expect(.closed) { try await children.next() }
            await expect(.closed) { try await changes.next() }
        }
    }

    @Test func aCancelledReaderOfChangesIsDone() async throws {
        try await SharedServer.withClient { client in
            let reader = Task {
                var count = 0
                for try await _ in client.changes(of: .root) { count += 1 }
                return count
            }
            reader.cancel()
            let count = try await reader.value
            #expect(count <= 1)
        }
    }
}
