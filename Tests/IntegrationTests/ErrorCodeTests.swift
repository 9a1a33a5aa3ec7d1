import TestSupport
import Testing
@testable import ZooKeeper
import ZooKeeperTestKit

/// Error codes that only a server of a certain kind, or with an accident, gives. The usual ones are in `ClientNodeTests`.
@Suite(.weighty, .serialized) struct ErrorCodeTests {
    @Test func aServerWithoutExtendedTypesAndWithQuotas() async throws {
        var configuration = TestServer.Configuration()
        configuration.extendedTypes = false
        configuration.additionalSettings = ["enforceQuota": "true"]
        try await TestServer.with(configuration) { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let path = try NodePath("/q")
                await expect(.unimplemented) { try await client.create(path, mode: .persistentWithTTL(.seconds(1))) }
                var transaction = Transaction()
                transaction.create(path, mode: .persistentWithTTL(.seconds(1)))
                await expect(.unimplemented) { try await client.commit(transaction) }

                try await client.create(path)
                let quota = NodePath(unchecked: "/zookeeper/quota/q")
                try await client.create(quota)
                try await client.create(
                    quota.appending(unchecked: "zookeeper_limits"),
                    data: Array("count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1".utf8))
                try await client.create(
                    quota.appending(unchecked: "zookeeper_stats"), data: Array("count=1,bytes=0".utf8))
                let error = await #expect(throws: ZooKeeperError.self) {
                    try await client.set(path, data: [UInt8](repeating: 1, count: 100))
                }
                #expect(error?.code == .quotaExceeded)
                #expect(error?.outcomeIsUnknown == false)
                #expect(try await client.set(path, data: [1]).version == 1)
            }
        }
    }

    @Test func aConnectionThatIsLostWithRequestsOnIt() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                try server.pause()
                async let write = error { try await client.create(NodePath("/n")) }
                async let read = error { try await client.get(.root) }
                async let transaction = error {
                    var transaction = Transaction()
                    transaction.check(.root)
                    return try await client.commit(transaction)
                }
                while client.keeper.currentSession?.core.withLock({ $0.requests.count }) != 3 { await Task.yield() }
                try await server.kill()
                #expect(await write?.code == .connectionLost)
                #expect(await write?.outcomeIsUnknown == true)
                #expect(await write?.isRetriable == true)
                #expect(await transaction?.code == .connectionLost)
                #expect(await transaction?.outcomeIsUnknown == true)
                try await server.restart()
                // A read is made again on the next connection.
                #expect(await read == nil)
            }
        }
    }

    /// Two of three members are gone, and the third serves those who do with reading.
    @Test func aServerThatOnlyReads() async throws {
        var configuration = TestEnsemble.Configuration()
        configuration.member.jvmOptions = ["-Dreadonlymode.enabled=true"]
        configuration.member.additionalSettings = ["localSessionsEnabled": "true"]
        try await TestEnsemble.with(configuration: configuration) { ensemble in
            let path = try NodePath("/written")
            let member = ensemble.members[0]
            let port = try #require(member.connectString.split(separator: ":").last.flatMap { Int($0) })
            try await ReadOnlyRelay.with(to: port) { relay in
                var configuration = ZooKeeperClient.Configuration.quiet(relay.connectString)
                configuration.requestTimeout = .seconds(20)
                try await ZooKeeperClient.with(configuration) { client in
                    try await client.create(path)
                    let states = client.states
                    for other in ensemble.members.dropFirst() { try await other.kill() }
                    _ = await first(of: states) { $0 == .suspended }
                    // Answered when the member has noticed that it is alone.
                    #expect(try await client.exists(path) != nil)
                    let error = await error { try await client.create(NodePath("/another")) }
                    #expect(error?.code == .notReadOnly)
                    #expect(error?.outcomeIsUnknown == false)
                    #expect(try await client.exists(path) != nil)
                }
            }
        }
    }

    private func error(_ body: () async throws -> some Any) async -> ZooKeeperError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? ZooKeeperError
        }
    }
}

/// The C client and this one learn of a session's end one after the other; what is handed over in between must not harm.
@Suite(.weighty) struct UnnoticedExpiryTests {
    /// Found as a double free: `zoo_amulti` of 3.8.0 frees the path of an operation a second time when the session is over, or one that
    /// it never had.
    @Test(arguments: [1, 3]) func aTransactionIsRefused(operations: Int) async throws {
        try await SharedServer.withRoot { configuration in
            let server = try await SharedServer.server.value
            try await ZooKeeperClient.with(configuration) { client in
                let session = try #require(client.keeper.currentSession)
                let bridge = try #require(session.carrier.bridge)
                // The thread that brings the news is kept busy.
                let (latch, isBusy) = (Latch(), Promise<Void>())
                session.submit(.get(.root, watch: nil), deadline: .now + .seconds(60)) { _ in
                    isBusy.resolve(())
                    latch.wait(atMost: .seconds(30))
                }
                await isBusy.value()
                let expiry = Task { try await server.expireSession(of: client) }
                while !bridge.isOver { try await Task.sleep(for: .milliseconds(5)) }
                #expect(session.link == .connected)
                let result = Promise<RequestResult>()
                let checks = (0..<operations).map { number in
                    Transaction.Operation.check(NodePath(unchecked: "/n\(number)"), version: nil)
                }
                session.submit(.commit(checks), deadline: .now + .seconds(60)) { result.resolve($0) }
                latch.open()
                guard case .failure(let failure) = await result.value() else { return #expect(Bool(false), "done") }
                #expect(failure.code == .sessionExpired)
                #expect(!failure.outcomeIsUnknown)
                try await expiry.value
            }
        }
    }
}
