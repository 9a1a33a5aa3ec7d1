import Testing

@testable import ZooKeeperTestKit

@Suite(.weighty) struct TestServerLifecycleTests {
    /// The transaction id of the server's last write.
    private func lastTransaction(_ server: TestServer) async throws -> Int {
        let line = try #require(
            try await server.fourLetterWord("srvr").split(separator: "\n").first { $0.hasPrefix("Zxid: 0x") }
        )
        return try #require(Int(line.dropFirst("Zxid: 0x".count), radix: 16))
    }

    /// Opens a session with the bare protocol, which is a write, and waits for the answer.
    private func openSession(_ server: TestServer) throws {
        let connection = try LoopbackConnection(port: server.port)
        let deadline = ContinuousClock.now + .seconds(10)
        // Length 44; version 0; last zxid 0; timeout 5000 ms; session 0; a password of 16 zero bytes.
        let head: [UInt8] = [0, 0, 0, 44] + Array(repeating: 0, count: 12) + [0, 0, 0x13, 0x88]
        let tail: [UInt8] = Array(repeating: 0, count: 8) + [0, 0, 0, 16] + Array(repeating: 0, count: 16)
        try connection.send(head + tail, until: deadline)
        _ = try #require(try connection.receive(until: deadline))
    }

    @Test func `A server starts and answers`() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await TestServer.with { server in
            print("A test server was ready after \(start.duration(to: clock.now)).")
            #expect(server.connectString == "127.0.0.1:\(server.port)")
            #expect(server.tickTime == .milliseconds(500))
            let answers = (
                ruok: try await server.fourLetterWord("ruok"), srvr: try await server.fourLetterWord("srvr"),
                mntr: try await server.fourLetterWord("mntr")
            )
            #expect(answers.ruok == "imok")
            #expect(answers.srvr.contains("Mode: standalone"))
            #expect(answers.mntr.contains("zk_server_state\tstandalone"))
            #expect(server.logTail.contains("Processing mntr command"))
        }
    }

    @Test func `The body's value is returned, and the server is gone then`() async throws {
        let (port, directory, pid) = try await TestServer.with { server in
            #expect(TestServerTraces.exists(server.directory))
            return (server.port, server.directory, try TestServerTraces.processIdentifier(of: server))
        }
        #expect(!TestServerTraces.exists(directory))
        #expect(!TestServerTraces.exists("/proc/\(pid)"))
        await #expect(throws: TestKitError.self) {
            try await FourLetterWord("ruok").send(toPort: port, timeout: .seconds(5))
        }
    }

    @Test func `Two servers run next to each other`() async throws {
        try await TestServer.with { first in
            try await TestServer.with { second in
                #expect(first.port != second.port)
                #expect(first.directory != second.directory)
                try await first.kill()
                #expect(try await second.fourLetterWord("ruok") == "imok")
                await #expect(throws: TestKitError.self) { try await first.fourLetterWord("ruok") }
            }
        }
    }

    @Test func `Kill and restart keep the port and the data`() async throws {
        try await TestServer.with { server in
            #expect(try await lastTransaction(server) == 0)
            try openSession(server)
            let before = try await lastTransaction(server)
            #expect(before > 0)
            let (port, pid) = (server.port, try TestServerTraces.processIdentifier(of: server))

            try await server.kill()
            #expect(!TestServerTraces.exists("/proc/\(pid)"))
            #expect(!TestServerTraces.exists(server.directory + "/server.pid"))
            let refused = await #expect(throws: TestKitError.self) { try await server.fourLetterWord("ruok") }
            #expect(refused?.code == .noAnswer)
            let dead = await #expect(throws: TestKitError.self) { try await server.kill() }
            #expect(dead?.code == .notRunning)
            #expect(throws: TestKitError.self) { try server.pause() }

            try await server.restart()
            #expect(server.port == port)
            #expect(try await lastTransaction(server) >= before)
            #expect(try TestServerTraces.processIdentifier(of: server) != pid)
        }
    }

    @Test func `Restart replaces a running and a paused server`() async throws {
        try await TestServer.with { server in
            for isPaused in [false, true] {
                let pid = try TestServerTraces.processIdentifier(of: server)
                if isPaused { try server.pause() }
                try await server.restart()
                #expect(!TestServerTraces.exists("/proc/\(pid)"))
                #expect(try await server.fourLetterWord("ruok") == "imok")
            }
        }
    }

    @Test func `A stopped server can start again`() async throws {
        try await TestServer.with { server in
            await server.stop()
            await #expect(throws: TestKitError.self) { try await server.fourLetterWord("ruok") }
            await server.stop()
            try await server.restart()
            #expect(try await server.fourLetterWord("ruok") == "imok")
        }
    }

    @Test func `A paused server does not answer until it goes on`() async throws {
        try await TestServer.with { server in
            try server.pause()
            try server.pause()
            let clock = ContinuousClock()
            let start = clock.now
            let silence = await #expect(throws: TestKitError.self) {
                try await server.fourLetterWord("ruok", timeout: .milliseconds(300))
            }
            #expect(silence?.code == .noAnswer)
            #expect((.milliseconds(300)..<(.seconds(5))).contains(start.duration(to: clock.now)))

            try server.resume()
            #expect(try await server.fourLetterWord("ruok") == "imok")
            // Cancellation does not wait for the answer either.
            try server.pause()
            let question = Task { try await server.fourLetterWord("ruok", timeout: .seconds(60)) }
            question.cancel()
            await #expect(throws: CancellationError.self) { try await question.value }
        }
    }

    @Test func `Of two restarts at once one is refused or both succeed in turn`() async throws {
        try await TestServer.with { server in
            let outcomes = await withTaskGroup(of: TestKitError.Code?.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do {
                            try await server.restart()
                            return nil
                        } catch {
                            return (error as? TestKitError)?.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.contains(nil))
            #expect(outcomes.allSatisfy { [nil, .busy, .exitedEarly].contains($0) })
            let answer = try await server.fourLetterWord("ruok")
            #expect(answer == "imok")
        }
    }
}
