import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// What comes near the limit of a packet, 1 MiB. The servers are their own: these are loads that other tests would feel.
@Suite(.weighty, .serialized) struct PacketLimitTests {
    /// The server's limit of 1 MiB is one for requests; the C client takes longer answers.
    @Test func aQueueWhoseListIsLargerThanAPacket() async throws {
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            let lock = try client.lock("/lock")
            try await client.create(lock.path)
            let session = client.sessionID
            let prefix = try lock.path.appending("_c_01234567-0123-0123-0123-0123456789ab-lock-")
            for _ in 0..<4 {
                var transaction = Transaction()
                for _ in 0..<5000 { transaction.create(prefix, mode: .persistentSequential) }
                try await client.commit(transaction)
            }
            let names = try await client.children(lock.path)
            #expect(names.count == 20_000)
            #expect(names.reduce(0) { $0 + 4 + $1.utf8.count } > 1 << 20)
            let attempt = try await lock.tryAcquire()
            #expect(attempt == nil)
            let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: .seconds(3)) }
            let head = Holder(
                node: try lock.path.appending("_c_01234567-0123-0123-0123-0123456789ab-lock-0000000000"), owner: nil)
            #expect(error == .timedOut(lock.path, ahead: 20_000, holder: head))
            #expect(try await client.exists(lock.path)?.numChildren == 20_000)
            #expect(client.sessionID == session)
            await client.close()
        }
    }

    // MARK: The C client sets all watches again in one packet; over the server's limit it would reconnect for ever

    @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer 5,000 requests take longer than one may"))
    func fiveThousandWatchesLiveThroughARestart() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let count = 5000
                try await client.createAll(count) { "/w\($0)" }
                let watches = try await client.watchAll(count) { "/w\($0)" }
                let states = client.states
                let session = client.sessionID
                try await server.restart()
                _ = await first(of: states) { $0 == .suspended }
                _ = await first(of: states) { $0 == .connected }
                try await client.setAll(count) { "/w\($0)" }
                for watch in watches {
                    let event = try await watch.event()
                    #expect(event == WatchEvent(.dataChanged, path: watch.path))
                }
                #expect(client.sessionID == session)
            }
        }
    }

    @Test func oneTooManyIsRefusedAndTheOthersLiveThroughARestart() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let name = String(repeating: "x", count: 4000)
                var watches: [Watch] = []
                var refusal: ZooKeeperError?
                while refusal == nil, watches.count < 1000 {
                    do throws(ZooKeeperError) {
                        watches.append(try await client.existsAndWatch(try NodePath("/\(watches.count)-\(name)")).watch)
                    } catch {
                        refusal = error
                    }
                }
                #expect(watches.count == 1_000_000 / 4009)
                #expect(refusal?.code == .tooManyWatches)
                #expect(refusal?.detail.contains("use more clients") == true, "\(refusal?.detail ?? "")")

                let states = Recorder<SessionState>()
                let follower = Task { for await state in client.states { states.append(state) } }
                try await server.restart()
                for watch in watches { try await client.create(watch.path) }
                for watch in watches { #expect(try await watch.event().kind == .created) }
                #expect(states.all == [.connected, .suspended, .connected])
                // What has fired makes room.
                try await client.delete(watches[0].path)
                _ = try await client.existsAndWatch(watches[0].path)
                follower.cancel()
            }
        }
    }
}

extension ZooKeeperClient {
    private func forEach<R: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) async throws -> R
    ) async throws -> [R] {
        try await withThrowingTaskGroup { group in
            for number in 0..<count { group.addTask { try await body(number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    fileprivate func createAll(_ count: Int, _ name: @escaping @Sendable (Int) -> String) async throws {
        _ = try await forEach(count) { _ = try await self.create(NodePath(name($0))) }
    }

    fileprivate func setAll(_ count: Int, _ name: @escaping @Sendable (Int) -> String) async throws {
        _ = try await forEach(count) { _ = try await self.set(NodePath(name($0)), data: [1]) }
    }

    fileprivate func watchAll(_ count: Int, _ name: @escaping @Sendable (Int) -> String) async throws -> [Watch] {
        try await forEach(count) { try await self.getAndWatch(NodePath(name($0))).watch }
    }
}
