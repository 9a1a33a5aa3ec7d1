import TestSupport
import Testing
@testable import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Whatever the state of the client: close returns in time, and everybody who waits is told, once.
@Suite(.weighty, .serialized) struct ClientCloseTests {
    static let limit = Duration.seconds(6)

    @Test func aThousandRequestsAndWatchesOnAPausedServer() async throws {
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            var watches: [Watch] = []
            for number in 0..<1000 {
                watches.append(try await client.existsAndWatch(NodePath("/w\(number)")).watch)
            }
            try server.pause()
            let codes = Recorder<ZooKeeperError.Code?>()
            try await withThrowingDiscardingTaskGroup { group in
                for watch in watches {
                    group.addTask { codes.append(await code { _ = try await watch.event() }) }
                }
                for number in 0..<1000 {
                    group.addTask { codes.append(await code { try await client.create(NodePath("/n\(number)")) }) }
                }
                // Everybody waits.
                while pendingRequests(client) < 1000 { await Task.yield() }
                for _ in 0..<3 { group.addTask { await closeInTime(client) } }
            }
            #expect(codes.all.count == 2000)
            #expect(codes.all.allSatisfy { $0 == .closed })
            await expect(.closed) { try await client.get(.root) }
            await expect(.closed) { try await watches[0].event() }
            try server.resume()
        }
    }

    @Test func withoutAServer() async throws {
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            let watch = try await client.existsAndWatch(NodePath("/w")).watch
            let states = client.states
            try await server.kill()
            _ = await first(of: states) { $0 == .suspended }
            async let request = code { try await client.create(NodePath("/n")) }
            async let acquire = code { try await client.lock("/lock").acquire() }
            async let event = code { _ = try await watch.event() }
            while pendingRequests(client) < 1 { await Task.yield() }
            await closeInTime(client)
            #expect(await [request, acquire, event] == [.closed, .closed, .closed])
            for await state in states where state != .suspended { #expect(state == .closed) }
        }
    }

    @Test(arguments: [FakePeer.Behaviour.silent, .closesAtOnce, .handshake("a session and then silence")])
    func whileConnecting(peer: FakePeer.Behaviour) async throws {
        try await FakePeer.with(peer) { peer in
            for pause in [0, 1, 50, 300] {
                let connecting = Task { try await ZooKeeperClient.connect(.quiet(peer.connectString)) }
                try await Task.sleep(for: .milliseconds(pause))
                let start = ContinuousClock.now
                connecting.cancel()
                await expect(.cancelled) { try await connecting.value }
                #expect(ContinuousClock.now - start < Self.limit)
            }
        }
    }

    @Test func fromInsideACallback() async throws {
        try await SharedServer.withRoot { configuration in
            let holder = try await ZooKeeperClient.connect(configuration)
            let lease = try await holder.lock("/lock").acquire()
            let client = try await ZooKeeperClient.connect(configuration)
            let (closed, continuation) = AsyncStream.makeStream(of: Void.self)
            let error = await #expect(throws: LockError.self) {
                try await client.lock("/lock").acquire { _ in
                    Task {
                        await closeInTime(client)
                        continuation.finish()
                    }
                }
            }
            #expect(error?.session?.code == .closed)
            for await _ in closed {}
            await lease.release()
            #expect(try await holder.children(NodePath("/lock")) == [])
            await holder.close()
        }
    }

    @Test func theLastReferenceDroppedInsideACallback() async throws {
        try await SharedServer.withRoot { configuration in
            let states: any AsyncSequence<SessionState, Never> & Sendable
            do {
                let client = try await ZooKeeperClient.connect(configuration)
                states = client.states
                let session = try #require(client.keeper.currentSession)
                // The answer arrives on a thread of the C client, which lets go of the last reference there.
                session.submit(.exists(.root, watch: nil), deadline: .now + .seconds(5)) { [client] _ in
                    withExtendedLifetime(client) {}
                }
            }
            for await state in states where state == .closed { return }
            Issue.record("never closed")
        }
    }
}

/// The code that `body` fails with; `nil` when it does not.
private func code(_ body: () async throws -> some Any) async -> ZooKeeperError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? ZooKeeperError)?.code ?? (error as? LockError)?.session?.code
    }
}

private func closeInTime(_ client: ZooKeeperClient) async {
    let start = ContinuousClock.now
    await client.close()
    let elapsed = ContinuousClock.now - start
    #expect(elapsed < ClientCloseTests.limit, "\(elapsed)")
}

private func pendingRequests(_ client: ZooKeeperClient) -> Int {
    client.keeper.currentSession?.core.withLock { $0.requests.count } ?? 0
}
