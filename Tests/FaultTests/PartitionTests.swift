import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperFaultKit

extension FaultTests {
    /// Faults between the members of an ensemble.
    @Suite struct Partitions {
        @Test func `All that members say to each other goes through the proxies`() async throws {
            // Who calls whom is a matter of chance.
            for _ in 1...3 {
                try await PartitionableEnsemble.with { partitionable in
                    // One for each pair.
                    #expect(partitionable.openElectionConnections == 3)
                }
            }
        }

        @Test(arguments: [-1, 0, 1, 10]) func `What is no ensemble is refused`(size: Int) async {
            let error = await #expect(throws: TestKitError.self) { try await PartitionableEnsemble.with(size) { _ in } }
            #expect(error?.code == .invalidConfiguration)
        }

        /// Reads lie about ownership: a follower that is cut off from its peers goes on answering for as long as it does not notice,
        /// while its leader ends the sessions that it hears nothing of.
        @Test func `Reads through a cut-off follower succeed after the leader deleted the holder's node`() async throws
        {
            var configuration = TestEnsemble.Configuration()
            configuration.tickTime = .milliseconds(500)
            configuration.syncLimit = 20
            try await PartitionableEnsemble.with(configuration: configuration) { partitionable in
                let ensemble = partitionable.ensemble
                let leader = try await ensemble.leader()
                let follower = try #require(try await ensemble.followers().first)
                var holding = ZooKeeperClient.Configuration.quiet(follower.connectString, sessionTimeout: .seconds(2))
                holding.requestTimeout = .seconds(1)
                try await ZooKeeperClient.with(holding) { holder in
                    try await ZooKeeperClient.with(.quiet(leader.connectString)) { observer in
                        let path = try NodePath("/held")
                        try await holder.create(path, mode: .ephemeral)
                        let session = try #require(holder.sessionID)
                        let watch = try await observer.getAndWatch(path).watch
                        let states = holder.states

                        let cut = ContinuousClock.now
                        await partitionable.isolate(follower)
                        let deletion = Task {
                            _ = try await watch.event()
                            return ContinuousClock.now
                        }
                        let lastRead = try await lastSuccessfulRead(of: path, by: holder)
                        let deleted = try await deletion.value
                        print(
                            """
                            Cut off, T = 2 s, tick 500 ms, syncLimit 20: node deleted at the leader after \
                            \((deleted - cut).milliseconds) ms, reads succeeded until \((lastRead - cut).milliseconds) ms, \
                            so for \((lastRead - deleted).milliseconds) ms after the loss
                            """)
                        #expect(deleted - cut < .seconds(5))
                        #expect(lastRead - deleted > .seconds(1))
                        #expect(try await observer.exists(path) == nil)

                        await partitionable.heal()
                        // Only now is the holder told.
                        _ = await first(of: states) { $0 == .expired }
                        _ = await first(of: states) { $0 == .connected }
                        #expect(holder.sessionID != session)
                        #expect(try await holder.exists(path) == nil)
                    }
                }
            }
        }

        private func lastSuccessfulRead(
            of path: NodePath, by client: ZooKeeperClient
        ) async throws -> ContinuousClock.Instant {
            var last = ContinuousClock.now
            let deadline = last + .seconds(30)
            while client.state == .connected, ContinuousClock.now < deadline {
                guard let stat = try? await client.exists(path) else { break }
                #expect(stat.ephemeralOwner == client.sessionID)
                last = .now
                try await Task.sleep(for: .milliseconds(20))
            }
            return last
        }

        @Test func `A leader that is isolated is replaced, and follows after it is healed`() async throws {
            var configuration = TestEnsemble.Configuration()
            configuration.syncLimit = 4
            try await PartitionableEnsemble.with(configuration: configuration) { partitionable in
                let ensemble = partitionable.ensemble
                let path = try NodePath("/written")
                let old = try await ensemble.leader()
                let others = try await ensemble.followers()
                await partitionable.isolate(old)
                let new = try await timing("Another led after the leader was isolated (syncLimit 2 s)") {
                    while true {
                        let leader = try await ensemble.leader()
                        if leader !== old { return leader }
                    }
                }
                #expect(others.contains { $0 === new })
                _ = try await ZooKeeperClient.with(.quiet(new.connectString)) { client in
                    try await client.create(path)
                }
                await partitionable.heal()
                try await timing("The isolated leader followed and knew what was written") {
                    var configuration = ZooKeeperClient.Configuration.quiet(old.connectString)
                    configuration.connectTimeout = .seconds(40)
                    try await ZooKeeperClient.with(configuration) { client in
                        try await client.sync()
                        let stat = try await client.exists(path)
                        #expect(stat != nil)
                    }
                }
                #expect(try await ensemble.leader() === new)
            }
        }

        @Test func `A follower that is isolated for a moment goes on, with the sessions on it`() async throws {
            try await PartitionableEnsemble.with { partitionable in
                let ensemble = partitionable.ensemble
                let leader = try await ensemble.leader()
                let follower = try #require(try await ensemble.followers().first)
                try await ZooKeeperClient.with(.quiet(follower.connectString)) { client in
                    let session = client.sessionID
                    let path = try NodePath("/mine")
                    await partitionable.isolate(follower)
                    let write = Task { try await client.create(path, mode: .ephemeral) }
                    try await Task.sleep(for: .milliseconds(500))
                    let unseen = try await ZooKeeperClient.with(.quiet(leader.connectString)) { other in
                        try await other.exists(path)
                    }
                    #expect(unseen == nil)
                    await partitionable.heal()
                    let created = try await write.value
                    #expect(created.stat.ephemeralOwner == session)
                    #expect(client.sessionID == session)
                    #expect(try await ensemble.leader() === leader)
                }
            }
        }

        @Test(.enabled(if: !Sanitizer.isOn, "a sanitizer makes everything late"))
        func `What the leader sends one follower can be late, and nothing else is`() async throws {
            try await PartitionableEnsemble.with { partitionable in
                let ensemble = partitionable.ensemble
                let leader = try await ensemble.leader()
                let followers = try await ensemble.followers()
                try #require(followers.count == 2)
                await partitionable.delay(.seconds(1), jitter: .milliseconds(200), from: leader, to: followers[0])
                var times: [Duration] = []
                for follower in followers {
                    let configuration = ZooKeeperClient.Configuration.quiet(
                        follower.connectString, sessionTimeout: .seconds(5))
                    let time = try await ZooKeeperClient.with(configuration) { client in
                        let start = ContinuousClock.now
                        _ = try await client.create(NodePath("/late"), mode: .ephemeral)
                        return ContinuousClock.now - start
                    }
                    times.append(time)
                }
                print(
                    """
                    Writes with what the leader sends to the first follower 1 to 1.2 s late: \
                    \(times[0].milliseconds) ms through it, \(times[1].milliseconds) ms through the other
                    """)
                #expect(times[0] >= .seconds(1))
                #expect(times[1] < .seconds(1))
                // The pings are late as well, and the follower stays.
                #expect(try await ensemble.leader() === leader)
                #expect(try await ensemble.followers().count == 2)
            }
        }

        @Test func `Members whose connections are cut connect again`() async throws {
            try await PartitionableEnsemble.with { partitionable in
                let ensemble = partitionable.ensemble
                let leader = try await ensemble.leader()
                let follower = try #require(try await ensemble.followers().first)
                try await timing("The ensemble was whole again after a cut between the leader and a follower") {
                    await partitionable.cut(between: leader, and: follower)
                    while try await ensemble.followers().count < 2 { await Task.yield() }
                }
                _ = try await ZooKeeperClient.with(.quiet(follower.connectString)) { client in
                    try await client.create(NodePath("/written"))
                }
            }
        }
    }
}
