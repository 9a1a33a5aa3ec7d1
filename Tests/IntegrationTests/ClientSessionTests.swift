import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

@Suite(.weighty) struct ClientSessionTests {
    @Test func theChrootIsTheRoot() async throws {
        try await SharedServer.withRoot { configuration in
            _ = try await ZooKeeperClient.with(configuration) { client in try await client.create(NodePath("/inside")) }
            let server = try await SharedServer.server.value
            let root = try NodePath(configuration.servers.replacing(server.connectString, with: ""))
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let names = try await client.children(root)
                #expect(names == ["inside"])
            }
        }
    }

    @Test func aChrootThatIsMissingIsSaidAtOnce() async throws {
        let server = try await SharedServer.server.value
        let configuration = ZooKeeperClient.Configuration.quiet(server.connectString + "/no/such/root")
        let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
        #expect(error?.code == .chrootMissing)
        #expect(error?.path?.string == "/no/such/root")
    }

    @Test func oneOfSeveralServersIsEnough() async throws {
        let server = try await SharedServer.server.value
        let configuration = ZooKeeperClient.Configuration.quiet("127.0.0.1:1,127.0.0.2:1," + server.connectString)
        try await ZooKeeperClient.with(configuration) { client in
            #expect(client.state == .connected)
            _ = try await client.children(.root)
        }
    }

    @Test func nobodyThereIsAnErrorWithinTheConnectTimeout() async throws {
        var configuration = ZooKeeperClient.Configuration.quiet("127.0.0.1:1")
        configuration.connectTimeout = .seconds(1)
        let start = ContinuousClock.now
        await expect(.connectTimedOut) { try await ZooKeeperClient.connect(configuration) }
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test func aHostWithoutAddressIsNamed() async throws {
        let configuration = ZooKeeperClient.Configuration.quiet("nosuch.invalid:2181")
        let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
        #expect(error?.code == .hostNotFound)
        #expect(error?.detail.contains("nosuch.invalid") == true)
    }

    @Test(arguments: [Duration.zero, .milliseconds(1), .seconds(-1), .seconds(100_000)])
    func sessionTimeoutsThatCannotWorkAreRefused(timeout: Duration) async throws {
        let configuration = ZooKeeperClient.Configuration.quiet("127.0.0.1:1").with(sessionTimeout: timeout)
        await expect(.invalidTimeout) { try await ZooKeeperClient.connect(configuration) }
    }

    @Test func encryptionThatTheCLibraryDoesNotHaveIsSaid() async throws {
        var configuration = ZooKeeperClient.Configuration.quiet("127.0.0.1:1")
        configuration.tls = TLS(authorityFile: "ca.pem", certificateFile: "client.pem", keyFile: "client.key")
        let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
        #expect(error?.code == .unimplemented)
        #expect(error?.detail.contains("built without TLS") == true)
        configuration.tls = TLS(authorityFile: "a,b", certificateFile: "client.pem", keyFile: "client.key")
        await expect(.invalidArgument) { try await ZooKeeperClient.connect(configuration) }
    }

    @Test func aCancelledConnectLeavesNothing() async throws {
        let connecting = Task { try await ZooKeeperClient.connect(.quiet("127.0.0.1:1")) }
        connecting.cancel()
        await expect(.cancelled) { try await connecting.value }
    }

    @Test func theServersMayChangeWhileTheSessionLasts() async throws {
        let server = try await SharedServer.server.value
        try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
            #expect(client.connectedServer == server.connectString)
            let session = client.sessionID
            try await client.updateServers("127.0.0.1:1,\(server.connectString)")
            _ = try await client.children(.root)
            #expect(client.sessionID == session)
            await expect(.invalidConnectString) { try await client.updateServers(server.connectString + "/other") }
            await expect(.invalidConnectString) { try await client.updateServers("") }
            await expect(.hostNotFound) { try await client.updateServers("nosuch.invalid:1") }
            _ = try await client.children(.root)
        }
    }

    @Test func closeMayBeCalledAgainAndByMany() async throws {
        try await SharedServer.withRoot { configuration in
            let client = try await ZooKeeperClient.connect(configuration)
            try await client.create(NodePath("/e"), mode: .ephemeral)
            await withTaskGroup { group in
                for _ in 0..<5 { group.addTask { await client.close() } }
            }
            await client.close()
            #expect(client.state == .closed)
            await expect(.closed) { try await client.get(.root) }
            try await ZooKeeperClient.with(configuration) { other in
                let stat = try await other.exists(NodePath("/e"))
                #expect(stat == nil)
            }
        }
    }

    @Test func closeResumesWhoeverWaits() async throws {
        let results = try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            try server.pause()
            let results = await withTaskGroup(of: ZooKeeperError.Code?.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        do throws(ZooKeeperError) {
                            try await client.create(try NodePath("/n\(number)"))
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                group.addTask {
                    await client.close()
                    return .closed
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            try server.resume()
            return results
        }
        #expect(results.count == 201)
        #expect(results.allSatisfy { $0 == .closed })
    }

    @Test func everyRequestHasADeadline() async throws {
        try await TestServer.with { server in
            var configuration = ZooKeeperClient.Configuration.quiet(server.connectString).with(
                sessionTimeout: .seconds(10))
            configuration.requestTimeout = .milliseconds(300)
            let client = try await ZooKeeperClient.connect(configuration)
            try server.pause()
            let start = ContinuousClock.now
            let error = await #expect(throws: ZooKeeperError.self) { try await client.create(NodePath("/late")) }
            let elapsed = ContinuousClock.now - start
            #expect(error?.code == .requestTimedOut)
            #expect(error?.outcomeIsUnknown == true)
            #expect(error?.isRetriable == true)
            #expect(elapsed > .milliseconds(290) && elapsed < .seconds(2), "\(elapsed)")
            try server.resume()
            // The request was executed all the same; the late answer does no harm.
            #expect(try await client.exists(NodePath("/late")) != nil)
            await client.close()
        }
    }

    @Test func aCancelledRequestReturnsAtOnce() async throws {
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            try server.pause()
            let request = Task { try await client.get(.root) }
            request.cancel()
            await expect(.cancelled) { try await request.value }
            try server.resume()
            _ = try await client.get(.root)
            await client.close()
        }
    }

    @Test func requestsMadeWithoutAConnectionWaitForOne() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let states = client.states
                try await server.kill()
                _ = await first(of: states) { $0 == .suspended }
                let created = Task { try await client.create(NodePath("/n"), mode: .persistentSequential).path.string }
                let cancelled = Task { try await client.create(NodePath("/cancelled")) }
                cancelled.cancel()
                let error = await #expect(throws: ZooKeeperError.self) { try await cancelled.value }
                #expect(error?.code == .cancelled)
                #expect(error?.outcomeIsUnknown == false)
                try await server.restart()
                #expect(try await created.value == "/n0000000000")
                #expect(try await client.exists(NodePath("/cancelled")) == nil)
            }
        }
    }

    @Test func aRestartOfTheServerSuspendsAndRestoresTheSession() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let seen = Recorder<SessionState>()
                let states = client.states
                let collector = Task {
                    for await state in states {
                        if seen.append(state) == 3 { return }
                    }
                }
                let session = client.sessionID
                try await client.create(NodePath("/e"), mode: .ephemeral)
                let watch = try await client.getAndWatch(NodePath("/e")).watch
                try await server.restart()
                await collector.value
                #expect(seen.all == [.connected, .suspended, .connected])
                #expect(client.sessionID == session)
                try await client.set(NodePath("/e"), data: [1])
                #expect(try await watch.event().kind == .dataChanged)
            }
        }
    }

    @Test func anExpiredSessionIsFollowedByANewOne() async throws {
        try await SharedServer.withRoot { configuration in
            try await ZooKeeperClient.with(configuration.with(sessionTimeout: .seconds(4))) { client in
                let server = try await SharedServer.server.value
                let states = client.states
                let session = client.sessionID
                try await client.create(NodePath("/e"), mode: .ephemeral)
                try await client.create(NodePath("/p"))
                let watch = try await client.getAndWatch(NodePath("/p")).watch
                try await server.expireSession(of: client)
                await expect(.sessionExpired) { try await watch.event() }
                let story = try await Array(states.prefix { $0 != .expired })
                #expect(story.first == .connected)
                // Whoever asks meanwhile waits for the next session.
                #expect(try await client.exists(NodePath("/e")) == nil)
                #expect(try await client.exists(NodePath("/p")) != nil)
                #expect(client.sessionID != session)
            }
        }
    }
}

extension AsyncSequence {
    fileprivate func collected() async throws -> [Element] {
        try await reduce(into: []) { $0.append($1) }
    }
}

extension Array {
    fileprivate init<S: AsyncSequence>(_ sequence: S) async throws where S.Element == Element {
        self = try await sequence.collected()
    }
}
