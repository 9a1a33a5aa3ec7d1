import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperTestKit

extension FaultTests {
    /// Each fault of the proxy, between a real client and a real server.
    @Suite struct ClientProxy {
        /// Runs `body` with a server, a proxy in front of it, a client that goes through the proxy and one that does not.
        private func withClients(
            sessionTimeout: Duration = .seconds(6),
            _ body: (FaultProxy, _ client: ZooKeeperClient, _ direct: ZooKeeperClient) async throws -> Void
        ) async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                        let configuration = ZooKeeperClient.Configuration.quiet(
                            proxy.connectString, sessionTimeout: sessionTimeout)
                        try await ZooKeeperClient.with(configuration) { client in
                            try await body(proxy, client, direct)
                        }
                    }
                }
            }
        }

        private let path: NodePath
        init() throws { path = try NodePath("/node") }

        @Test func `Without a fault everything passes`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    let events = proxy.events
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        try await client.create(path, data: [UInt8](repeating: 7, count: 500_000))
                        let (data, _, watch) = try await client.getAndWatch(path)
                        #expect(data == [UInt8](repeating: 7, count: 500_000))
                        try await client.delete(path)
                        let event = try await watch.event()
                        #expect(event == WatchEvent(.deleted, path: path))
                    }
                    let told = await first(of: events) { $0 == .watchEvent(connection: 1) }
                    #expect(told != nil)
                    let closed = await first(of: events) { $0 == .closed(connection: 1) }
                    #expect(closed != nil)
                    let counters = proxy.counters
                    print("A client that wrote and read 500 kB: \(counters)")
                    // The first request of every client, create, get, delete, close.
                    #expect(counters.replies >= 4)
                    #expect(counters.bytesToServer > 500_000 && counters.bytesToClient > 500_000)
                    #expect(counters.connections == 1 && counters.openConnections == 0)
                }
            }
        }

        @Test(arguments: [false, true]) func `A cut connection is made again in its session`(reset: Bool) async throws {
            try await withClients { proxy, client, _ in
                let session = client.sessionID
                try await client.create(path, mode: .ephemeral)
                let states = client.states
                try await timing("Connected again after a cut (reset: \(reset))") {
                    await proxy.cut(reset: reset)
                    _ = await first(of: states) { $0 == .suspended }
                    _ = await first(of: states) { $0 == .connected }
                    _ = try await client.get(path)
                }
                #expect(client.sessionID == session)
                #expect(proxy.counters.connections == 2)
            }
        }

        @Test(arguments: [FaultProxy.Refusal.atConnect, .afterAccept])
        func `A refused client comes back when it is let in`(refusal: FaultProxy.Refusal) async throws {
            try await withClients(sessionTimeout: .seconds(10)) { proxy, client, _ in
                let session = client.sessionID
                let states = client.states
                let events = proxy.events
                await proxy.refuse(refusal)
                // Who is connected stays so.
                try await client.create(path, mode: .ephemeral)
                await proxy.cut()
                _ = await first(of: states) { $0 == .suspended }
                if refusal == .afterAccept { _ = await first(of: events) { $0 == .refused } }
                #expect(proxy.counters.connections == 1)
                await proxy.accept()
                _ = await first(of: states) { $0 == .connected }
                _ = try await client.get(path)
                #expect(client.sessionID == session)
                #expect(proxy.counters.connections == 2)
            }
        }

        @Test func `A delay each way is seen in every answer, and ends`() async throws {
            try await withClients { proxy, client, _ in
                try await client.create(path)
                await proxy.delay(.milliseconds(150), jitter: .milliseconds(50))
                for _ in 0..<3 {
                    let start = ContinuousClock.now
                    _ = try await client.get(path)
                    let time = ContinuousClock.now - start
                    print("An answer that was delayed by 150 to 200 ms each way: \(time.milliseconds) ms")
                    #expect(time >= .milliseconds(300))
                }
                await proxy.delay(.seconds(1), .toClient)
                await proxy.delay(.zero, .toServer)
                let oneWay = try await timing("An answer that was delayed by 1 s one way") {
                    let start = ContinuousClock.now
                    _ = try await client.get(path)
                    return ContinuousClock.now - start
                }
                #expect(oneWay >= .seconds(1) && oneWay < .seconds(2))
                await proxy.pass()
                #expect(proxy.counters.connections == 1)
                #expect(client.state == .connected)
            }
        }

        @Test func `A slow line is slow`() async throws {
            try await withClients { proxy, client, _ in
                await proxy.limit(bytesPerSecond: 100_000, .toServer)
                let start = ContinuousClock.now
                try await client.create(path, data: [UInt8](repeating: 1, count: 50_000))
                let time = ContinuousClock.now - start
                print("50 kB at 100 kB/s: \(time.milliseconds) ms")
                #expect(time >= .milliseconds(500))
                #expect(proxy.counters.connections == 1)
            }
        }

        @Test func `A request that is frozen on its way is executed after the thaw`() async throws {
            try await withClients { proxy, client, direct in
                await proxy.freeze(.toServer)
                let request = Task { try await client.create(path) }
                // A frozen way costs the client nothing until two thirds of the timeout have passed.
                try await Task.sleep(for: .milliseconds(200))
                #expect(try await direct.exists(path) == nil)
                #expect(client.state == .connected)
                await proxy.thaw(.toServer)
                _ = try await request.value
                #expect(try await direct.exists(path) != nil)
                #expect(proxy.counters.connections == 1)
            }
        }

        @Test func `What was frozen on its way and then cut off is never executed`() async throws {
            try await withClients { proxy, client, direct in
                await proxy.freeze(.toServer, on: .open)
                let request = Task { try await client.create(path) }
                try await Task.sleep(for: .milliseconds(200))
                await proxy.cut()
                let error = await #expect(throws: ZooKeeperError.self) { try await request.value }
                #expect(error?.outcomeIsUnknown == true)
                // Only the open connection was frozen.
                try await client.sync()
                #expect(try await direct.exists(path) == nil)
            }
        }

        @Test func `An answer that is frozen on its way: executed, and told after the thaw`() async throws {
            try await withClients { proxy, client, direct in
                await proxy.freeze(.toClient)
                let (watching, watch) = try await direct.existsAndWatch(path)
                #expect(watching == nil)
                let request = Task { try await client.create(path) }
                let event = try await watch.event()
                #expect(event == WatchEvent(.created, path: path))
                await proxy.thaw()
                let created = try await request.value
                #expect(created.path == path)
                #expect(proxy.counters.connections == 1)
            }
        }

        @Test func `A client that is frozen both ways gives up the connection, not the session`() async throws {
            try await withClients(sessionTimeout: .seconds(6)) { proxy, client, direct in
                let session = client.sessionID
                try await client.create(path, mode: .ephemeral)
                let states = client.states
                await timing("A frozen connection was given up (timeout 6 s)") {
                    await proxy.freeze()
                    _ = await first(of: states) { $0 == .suspended }
                }
                #expect(try await direct.exists(path) != nil)
                await proxy.pass()
                _ = await first(of: states) { $0 == .connected }
                #expect(client.sessionID == session)
                #expect(try await client.exists(path) != nil)
            }
        }
    }
}
