import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// From one holder to the next: within a session, and without waiting for the release.
@Suite(.weighty) struct HandOverTests {
    /// Until the second would be granted by the deletion of the first's node alone: the lock's two nodes are watched.
    private func untilArmed(_ client: ZooKeeperClient, on server: TestServer) async throws {
        while try await server.fourLetterWord("wchs").hasPrefix("1 connections watching 2 paths") == false {
            try await Task.sleep(for: .milliseconds(5))
        }
        // Answers come in order: with this one, those to the requests that have set the watches are there.
        _ = try await client.exists(.root)
    }

    @Test(arguments: [DistributedLock.Release.awaited, .background])
    func aTurnWithinASessionDoesNotWaitForTheServers(release: DistributedLock.Release) async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: .with(release))
                let first = try await lock.acquire()
                let waiter = Task { try await lock.acquire() }
                try await untilArmed(client, on: server)
                try server.pause()
                async let released: Void = first.release()
                let second = try await waiter.value
                #expect(second.isHeld && !first.isHeld)
                #expect(second.fencingToken > first.fencingToken)
                try server.resume()
                await released
                await second.release()
                // Executed behind the removals.
                try await expectNobodyLeft(at: lock.path, client)
            }
        }
    }

    @Test func aReleaseInTheBackgroundDoesNotWaitForTheServers() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: .with(.background))
                let lease = try await lock.acquire()
                try server.pause()
                await lease.release()
                #expect(!lease.isHeld)
                // Nobody has been asked, so nobody has answered: the znode is still there.
                let next = Task { try await lock.acquire() }
                try server.resume()
                let token = try await next.value.fencingToken
                #expect(token > lease.fencingToken)
            }
        }
    }

    @Test func turnsWithinSessionsKeepTheOrderOfAll() async throws {
        try await SharedServer.withRoot { configuration in
            let (inside, tokens) = (Recorder<Int>(), Recorder<FencingToken>())
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    let client = try await ZooKeeperClient.connect(configuration)
                    group.addTask {
                        try await withThrowingTaskGroup { tasks in
                            for number in 0..<8 {
                                let release: DistributedLock.Release = number < 4 ? .awaited : .background
                                let lock = try client.lock("/lock", options: .with(release))
                                tasks.addTask {
                                    for _ in 0..<10 {
                                        try await lock.withLock { lease in
                                            #expect(inside.append(number) == 1)
                                            tokens.append(lease.fencingToken)
                                            await Task.yield()
                                            inside.removeAll()
                                        }
                                    }
                                }
                            }
                            try await tasks.waitForAll()
                        }
                        // Those of the three others, all of whom may be waiting for their last turn.
                        let left = try await client.children(NodePath("/lock")).count
                        #expect(left <= 24)
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(tokens.all.count == 320)
            #expect(zip(tokens.all, tokens.all.dropFirst()).allSatisfy { $0 < $1 })
        }
    }
}

extension DistributedLock.Options {
    fileprivate static func with(_ release: DistributedLock.Release) -> Self {
        var options = Self()
        options.release = release
        return options
    }
}
