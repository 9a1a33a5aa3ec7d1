import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

extension TestEnsembleTests {
    /// What becomes of sessions.
    @Suite struct Clients {
        @Test func `The session and its ephemerals outlive the leader`() async throws {
            try await TestEnsemble.with { ensemble in
                try await ZooKeeperClient.with(.ensemble(ensemble)) { client in
                    let session = try #require(client.sessionID)
                    let path = try NodePath("/mine")
                    try await client.create(path, mode: .ephemeral)
                    let states = client.states
                    let leader = try await ensemble.leader()
                    try await timing("A client wrote again after the leader was killed") {
                        try await leader.kill()
                        // No member serves without a leader, so the connection breaks wherever it led to.
                        _ = await first(of: states) { $0 == .suspended }
                        _ = await first(of: states) { $0 == .connected }
                        try await client.set(path, data: [1])
                    }
                    #expect(client.sessionID == session)
                    #expect(client.connectedServer != leader.connectString)
                    let stat = try #require(try await client.exists(path))
                    #expect(stat.ephemeralOwner == session)
                    // Nor does it end when the quorum is whole again.
                    try await leader.restart()
                    #expect(try await client.exists(path)?.ephemeralOwner == session)
                    #expect(client.sessionID == session)
                }
            }
        }

        @Test func `Sessions, ephemerals and watches outlive a restart of all members`() async throws {
            try await TestEnsemble.with { ensemble in
                try await ZooKeeperClient.with(.ensemble(ensemble)) { client in
                    let session = try #require(client.sessionID)
                    let ephemeral = try NodePath("/mine")
                    let watched = try NodePath("/watched")
                    try await client.create(ephemeral, mode: .ephemeral)
                    try await client.create(watched)
                    let watch = try await client.getAndWatch(watched).watch
                    try await restartAll(ensemble, client)

                    #expect(client.sessionID == session)
                    #expect(try await client.exists(ephemeral)?.ephemeralOwner == session)
                    // Another session changes it: the watch that was set before the stop tells.
                    try await ZooKeeperClient.with(.ensemble(ensemble)) { other in
                        _ = try await other.set(watched, data: [1])
                    }
                    #expect(try await watch.event() == WatchEvent(.dataChanged, path: watched))
                }
            }
        }

        @Test func `A lock's holder and queue outlive a restart of all members`() async throws {
            try await TestEnsemble.with { ensemble in
                var waiting: [ZooKeeperClient] = []
                for _ in 0..<5 { waiting.append(try await .connect(.ensemble(ensemble))) }
                try await ZooKeeperClient.with(.ensemble(ensemble)) { client in
                    let lock = try client.lock("/lock")
                    let lease = try await lock.acquire()
                    let grants = Recorder<Grant>()
                    var tasks: [Task<Void, any Error>] = []
                    for (number, other) in waiting.enumerated() {
                        let theirs = try other.lock("/lock")
                        tasks.append(
                            Task {
                                try await theirs.withLock { lease in
                                    _ = grants.append(Grant(waiter: number, token: lease.fencingToken))
                                }
                            }
                        )
                        try await untilChildren(of: lock, count: number + 2)
                    }
                    let queue = Set(try await client.children(lock.path))
                    try await restartAll(ensemble, client)

                    try lease.checkHeld()
                    #expect(Set(try await client.children(lock.path)) == queue)
                    #expect(grants.all.isEmpty)
                    await lease.release()
                    try await timing("Five waiters were granted in turn") {
                        for task in tasks { try await task.value }
                    }
                    #expect(grants.all.map(\.waiter) == [0, 1, 2, 3, 4])
                    let tokens = [lease.fencingToken] + grants.all.map(\.token)
                    #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
                    // The member that is asked may hear of the last removal later than the one that made it.
                    try await expectNobodyLeft(at: lock.path, client)
                }
                for client in waiting { await client.close() }
            }
        }

        private struct Grant: Sendable {
            var waiter: Int
            var token: FencingToken
        }

        /// Stops all members and starts them again; returns when the client is connected again.
        private func restartAll(_ ensemble: TestEnsemble, _ client: ZooKeeperClient) async throws {
            let states = client.states
            try await timing("A client was connected again after all members were stopped and started") {
                await timing("All members were stopped") { await ensemble.stop() }
                try await timing("All members were started") { try await ensemble.start() }
                _ = await first(of: states) { $0 == .suspended }
                let next = await first(of: states) { $0 != .suspended }
                #expect(next == .connected)
            }
        }
    }
}

extension ZooKeeperClient.Configuration {
    /// For an ensemble that loses members: with the longest session that its ticks allow.
    fileprivate static func ensemble(_ ensemble: TestEnsemble) -> Self {
        quiet(ensemble.connectString).with(sessionTimeout: ensemble.tickTime * 20)
    }
}
