import TestSupport
import Testing
import ZooKeeper

@testable import ZooKeeperTestKit

/// One after the other: each needs three JVMs.
@Suite(.weighty, .serialized) struct TestEnsembleTests {}

extension TestEnsembleTests {
    @Suite struct Members {
        @Test func `Three members serve and agree on one leader`() async throws {
            let start = ContinuousClock.now
            try await TestEnsemble.with { ensemble in
                print("An ensemble of three was ready after \(ContinuousClock.now - start)")
                #expect(ensemble.members.map(\.memberNumber) == [1, 2, 3])
                #expect(ensemble.connectString == ensemble.members.map(\.connectString).joined(separator: ","))
                var modes: [String?] = []
                for member in ensemble.members { modes.append(await member.mode()) }
                #expect(modes.count { $0 == "leader" } == 1)
                #expect(modes.count { $0 == "follower" } == 2)

                let leader = try await ensemble.leader()
                let followers = try await ensemble.followers()
                #expect(await leader.mode() == "leader")
                #expect(followers.count == 2)
                #expect(!followers.contains { $0 === leader })
                // Each speaks for the same ensemble: what one has written the others know.
                let path = try NodePath("/written")
                let first = ensemble.members[0].connectString
                _ = try await ZooKeeperClient.with(.brief(first)) { client in try await client.create(path) }
                for member in ensemble.members {
                    try await ZooKeeperClient.with(.brief(member.connectString)) { client in
                        try await client.sync()
                        let stat = try await client.exists(path)
                        #expect(stat != nil)
                    }
                }
            }
        }

        @Test func `A killed leader is replaced, and comes back as a follower`() async throws {
            try await TestEnsemble.with { ensemble in
                let first = try await ensemble.leader()
                let second = try await timing("Another led after the leader was killed") {
                    try await first.kill()
                    return try await ensemble.leader()
                }
                #expect(second !== first)
                try await timing("The killed member served again") { try await first.restart() }
                #expect(await first.mode() == "follower")
                #expect(try await ensemble.leader() === second)
                #expect(try await ensemble.followers().contains { $0 === first })
            }
        }

        @Test func `A paused follower does not matter, and goes on`() async throws {
            try await TestEnsemble.with { ensemble in
                let leader = try await ensemble.leader()
                let follower = try #require(try await ensemble.followers().first)
                try follower.pause()
                #expect(await follower.mode() == nil)
                #expect(try await ensemble.leader() === leader)
                #expect(try await ensemble.followers().count == 1)
                // The other two still are a quorum.
                _ = try await ZooKeeperClient.with(.brief(leader.connectString)) { client in
                    try await client.create(NodePath("/written"))
                }
                try follower.resume()
                await timing("The paused follower answered again") {
                    while await follower.mode() != "follower" { await Task.yield() }
                }
            }
        }

        @Test func `A leader that is paused for too long is replaced, and follows when it goes on`() async throws {
            var configuration = TestEnsemble.Configuration()
            configuration.syncLimit = 4
            try await TestEnsemble.with(configuration: configuration) { ensemble in
                let first = try await ensemble.leader()
                let second = try await timing("Another led after the leader was paused (syncLimit 2 s)") {
                    try first.pause()
                    return try await ensemble.leader()
                }
                #expect(second !== first)
                try first.resume()
                await timing("The paused leader followed") {
                    while await first.mode() != "follower" { await Task.yield() }
                }
                #expect(try await ensemble.leader() === second)
            }
        }

        @Test func `Without a quorum a restart fails in time, and a start of all works`() async throws {
            var configuration = TestEnsemble.Configuration()
            configuration.member.startTimeout = .seconds(10)
            try await TestEnsemble.with(configuration: configuration) { ensemble in
                await ensemble.stop()
                let none = await #expect(throws: TestKitError.self) {
                    try await ensemble.leader(timeout: .milliseconds(100))
                }
                #expect(none?.code == .noLeader)
                let start = ContinuousClock.now
                let alone = await #expect(throws: TestKitError.self) { try await ensemble.members[0].restart() }
                #expect(alone?.code == .notReady)
                #expect(alone?.message.contains("quorum") == true)
                #expect((.seconds(10)..<(.seconds(15))).contains(ContinuousClock.now - start))
                #expect(!ensemble.members[0].isRunning)
                try await ensemble.start()
                for member in ensemble.members { #expect(await member.mode() != nil) }
                // Those that run are left alone.
                let before = try ensemble.members.map { try TestServerTraces.processIdentifier(of: $0) }
                try await ensemble.start()
                #expect(try ensemble.members.map { try TestServerTraces.processIdentifier(of: $0) } == before)
            }
        }

        @Test(arguments: [-1, 0, 1, 10]) func `What is no ensemble is refused`(size: Int) async {
            let error = await #expect(throws: TestKitError.self) { try await TestEnsemble.with(size) { _ in } }
            #expect(error?.code == .invalidConfiguration)
        }
    }
}
