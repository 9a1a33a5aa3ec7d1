import Testing
import ZooKeeper
import ZooKeeperTestKit

/// The C client sets all watches again in one packet; over the server's limit it would reconnect for ever.
@Suite(.timeLimit(.minutes(2))) struct WatchLimitTests {
    @Test func fiveThousandWatchesLiveThroughARestart() async throws {
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
                #expect(watches.count == 512 * 1024 / 4009)
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
