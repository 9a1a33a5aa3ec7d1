import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// What a client sees of an ensemble in memory when all is well, and when a test makes it otherwise.
@Suite(.timeLimit(.minutes(5))) struct MemoryClientTests {
    @Test func znodesAreCreatedReadChangedAndDeleted() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let path = try NodePath("/a")
            let (_, created) = try await client.create(path, data: [1, 2])
            let (data, stat) = try await client.get(path)
            #expect(data == [1, 2])
            #expect(stat == created)
            #expect(try await client.set(path, data: [], version: 0).version == 1)
            await expect(.badVersion) { try await client.delete(path, version: 0) }
            #expect(try await client.children(.root) == ["a", "zookeeper"])
            try await client.delete(path)
            await expect(.noNode) { try await client.get(path) }
        }
    }

    @Test func aRootOfItsOwnHidesTheRest() async throws {
        let ensemble = MemoryEnsemble()
        var configuration = MemoryEnsemble.configuration
        configuration.servers = "memory:2181/app"
        await expect(.chrootMissing) { try await ensemble.connect(configuration) }
        try await ensemble.with { outside in
            try await outside.create(NodePath("/app"))
            try await ensemble.with(configuration) { inside in
                let watch = try await inside.existsAndWatch(NodePath("/x")).watch
                let (path, _) = try await inside.create(NodePath("/x"))
                #expect(path.string == "/x")
                #expect(try await watch.event() == WatchEvent(.created, path: path))
                #expect(try await inside.children(.root) == ["x"])
                #expect(try await outside.exists(NodePath("/app/x")) != nil)
            }
        }
    }

    @Test func expiryDeletesEphemeralZnodesAndASessionFollows() async throws {
        let ensemble = MemoryEnsemble()
        let other = try await ensemble.connect()
        try await ensemble.with { client in
            let path = try NodePath("/e")
            try await client.create(path, mode: .ephemeral)
            let watch = try await other.existsAndWatch(path).watch
            let (before, states) = (client.sessionID, client.states)
            try await ensemble.expireSession(of: client)
            #expect(try await other.exists(path) == nil)
            #expect(try await watch.event() == WatchEvent(.deleted, path: path))
            _ = await first(of: states) { $0 == .expired }
            _ = await first(of: states) { $0 == .connected }
            #expect(try await client.exists(path) == nil)
            #expect(client.sessionID != before)
        }
        await other.close()
    }

    @Test func aSessionSurvivesAShortLossOfTheConnectionAndSeesWhatHappened() async throws {
        let ensemble = MemoryEnsemble()
        let other = try await ensemble.connect()
        try await ensemble.with { client in
            let (node, gone, new) = (try NodePath("/node"), try NodePath("/gone"), try NodePath("/new"))
            try await client.create(node)
            try await client.create(gone)
            let changed = try await client.getAndWatch(node).watch
            let deleted = try await client.childrenAndWatch(gone).watch
            let created = try await client.existsAndWatch(new).watch
            let children = try await client.childrenAndWatch(.root).watch
            let (session, states) = (client.sessionID, client.states)
            try await ensemble.disconnect(client)
            _ = await first(of: states) { $0 == .suspended }
            try await other.set(node, data: [1])
            try await other.delete(gone)
            try await other.create(new)
            try await ensemble.reconnect(client)
            #expect(try await changed.event().kind == .dataChanged)
            #expect(try await deleted.event().kind == .deleted)
            #expect(try await created.event().kind == .created)
            #expect(try await children.event().kind == .childrenChanged)
            #expect(client.sessionID == session)
        }
        await other.close()
    }

    @Test func aLostAnswerIsAnUnknownOutcome() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let path = try NodePath("/a")
            try await ensemble.dropNextReply(of: client)
            let error = await #expect(throws: ZooKeeperError.self) { try await client.create(path) }
            #expect(error?.code == .connectionLost)
            #expect(error?.outcomeIsUnknown == true)
            #expect(try await client.exists(path) != nil)
        }
    }

    @Test func containersAndZnodesPastTheirTimeAreRemoved() async throws {
        let ensemble = MemoryEnsemble(
            tickTime: .milliseconds(20), containerCheckInterval: .milliseconds(50))
        try await ensemble.with { client in
            let (used, unused, brief) = (try NodePath("/used"), try NodePath("/unused"), try NodePath("/brief"))
            try await client.create(used, mode: .container)
            try await client.create(unused, mode: .container)
            let watch = try await client.existsAndWatch(used).watch
            try await client.create(brief, mode: .persistentWithTTL(.milliseconds(1)))
            // It may be gone already.
            for try await value in client.changes(of: brief) where value == nil { break }
            try await client.create(used.appending("child"))
            try await client.delete(used.appending("child"))
            #expect(try await watch.event().kind == .deleted)
            #expect(try await client.exists(unused) != nil)
        }
    }

    @Test func credentialsAreKeptThroughALostConnection() async throws {
        let ensemble = MemoryEnsemble()
        var configuration = MemoryEnsemble.configuration
        configuration.credentials = [.digest(user: "user", password: "secret")]
        let path = try NodePath("/mine")
        try await ensemble.with(configuration) { client in
            try await client.create(path, acl: [.creator])
            let states = client.states
            try await ensemble.disconnect(client)
            _ = await first(of: states) { $0 == .suspended }
            try await ensemble.reconnect(client)
            try await client.set(path, data: [1])
        }
        try await ensemble.with { client in await expect(.notAuthorized) { try await client.get(path) } }
    }

    @Test func aClientOfAnotherEnsembleIsRefused() async throws {
        let (one, other) = (MemoryEnsemble(), MemoryEnsemble())
        try await one.with { client in
            await client.close()
            await expect(.sessionExpired) { try await other.expireSession(of: client) }
        }
    }
}
