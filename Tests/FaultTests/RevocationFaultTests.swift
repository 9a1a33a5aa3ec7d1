import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// Asking and breaking with connections that come and go.
    @Suite struct Revocations {
        /// Runs `body` with a proxy, a client behind it, and one that is connected directly.
        private func withClients(
            _ body: (FaultProxy, _ behind: ZooKeeperClient, _ direct: ZooKeeperClient) async throws -> Void
        ) async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                        try await ZooKeeperClient.with(.quiet(proxy.connectString)) { behind in
                            try await body(proxy, behind, direct)
                        }
                    }
                }
            }
        }

        @Test func `A request that comes while the holder is away is told when it is back`() async throws {
            try await withClients { proxy, behind, direct in
                let lease = try await behind.lock("/lock").acquire()
                var events = lease.events.makeAsyncIterator()
                await proxy.refuse()
                await proxy.cut()
                #expect(await events.next() == .suspended)
                try await direct.lock("/lock").revoke(reason: "while you were out")
                #expect(lease.revocation == nil)
                await proxy.accept()
                var told: RevocationRequest?
                while told == nil, let event = await events.next() {
                    if case .revocationRequested(let request) = event { told = request }
                }
                #expect(told?.reason == "while you were out")
                #expect(lease.isHeld)
                await lease.release()
            }
        }

        @Test func `A request whose answer is lost is written once`() async throws {
            try await withClients { proxy, behind, direct in
                let lease = try await direct.lock("/lock").acquire()
                let drop = await proxy.dropReply(to: .setData)
                let asked = try await behind.lock("/lock").revoke(reason: "please")
                #expect(asked?.node == lease.node)
                _ = drop
                let queue = try await direct.queue(of: lease.path)
                #expect(queue.holder?.revocation?.reason == "please")
                #expect(queue.holder?.version == 1)
                #expect(proxy.counters.connections == 2)
                await lease.release()
            }
        }

        @Test func `A removal whose answer is lost is told as done`() async throws {
            try await withClients { proxy, behind, direct in
                let lease = try await direct.lock("/lock").acquire()
                let drop = await proxy.dropReply(to: .delete)
                let broken = try await behind.lock("/lock").break(token: lease.fencingToken)
                #expect(broken?.node == lease.node)
                _ = drop
                #expect(try await direct.exists(lease.node) == nil)
                #expect(proxy.counters.connections == 2)
                await lease.release()
            }
        }
    }
}
