import Testing
import ZooKeeper

@Suite(.timeLimit(.minutes(2))) struct ClientWatchTests {
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
}
