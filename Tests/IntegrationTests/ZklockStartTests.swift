import FoundationEssentials
import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// A guardian that was stopped when the lock was obtained, and hears late that it is to start the command.
@Suite(.weighty) struct ZklockStartTests {
    @Test func aGuardianThatWasStoppedUntilTheLeaseWasOverStartsNothing() async throws {
        try await TestServer.with { server in
            let configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let marker = "\(directory)/marker"
                try await ZooKeeperClient.with(configuration) { client in
                    let other = try await client.lock("/x").acquire()
                    async let run = zklock.run(
                        ["run", "-v", "--session-timeout", "4s", "--kill-after", "500ms", "/x", "--", "touch", marker],
                        // zklock wakes the guardian when the lease is over, as it does not answer.
                        onError: ["obtained": { _ in try server.pause() }])
                    let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                    let pid = try #require(queue.waiting.first?.owner?.pid)
                    kill(try Zklock.guardian(of: pid), SIGSTOP)
                    await other.release()
                    let ended = try await run
                    try server.resume()
                    #expect(ended.status == 123, "\(ended.error)")
                    #expect(!ended.error.contains("runs as process"), "\(ended.error)")
                    #expect(ended.error.contains("the command was not started"), "\(ended.error)")
                    #expect(!FileManager.default.fileExists(atPath: marker))
                }
            }
        }
    }

    /// Nobody has told the guardian to stop: it knows by the clock alone.
    @Test func aGuardianThatWasStoppedTogetherWithZklockStartsNothing() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let marker = "\(directory)/marker"
                try await ZooKeeperClient.with(configuration) { client in
                    let other = try await client.lock("/x").acquire()
                    async let run = zklock.run(
                        ["run", "-v", "--session-timeout", "4s", "/x", "--", "touch", marker],
                        onError: [
                            "obtained": { pid in
                                let guardian = try Zklock.guardian(of: pid)
                                // Until the order to start is on its way, which nobody can see.
                                try await Task.sleep(for: .milliseconds(200))
                                kill(pid, SIGSTOP)
                                let next = try await client.lock("/x").acquire(timeout: .seconds(30))
                                kill(guardian, SIGCONT)
                                // A guardian that starts the command does so at once.
                                try await Task.sleep(for: .milliseconds(300))
                                #expect(!FileManager.default.fileExists(atPath: marker))
                                await next.release()
                                kill(pid, SIGCONT)
                            }
                        ])
                    let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                    kill(try Zklock.guardian(of: try #require(queue.waiting.first?.owner?.pid)), SIGSTOP)
                    await other.release()
                    let ended = try await run
                    #expect(ended.status == 123, "\(ended.error)")
                    #expect(!ended.error.contains("runs as process"), "\(ended.error)")
                    #expect(!FileManager.default.fileExists(atPath: marker))
                }
            }
        }
    }

    /// What it hears first is out of date, but not all that it hears.
    @Test func aGuardianThatWasStoppedWhileTheLeaseWentOnStartsTheCommand() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let other = try await client.lock("/x").acquire()
                async let run = zklock.run(
                    ["run", "-v", "--session-timeout", "4s", "/x", "--", "sh", "-c", "echo ran; exit 6"],
                    onError: [
                        "obtained": { pid in
                            // Longer than the session lasts without a word from zklock.
                            try await Task.sleep(for: .milliseconds(4500))
                            kill(try Zklock.guardian(of: pid), SIGCONT)
                        }
                    ])
                let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                kill(try Zklock.guardian(of: try #require(queue.waiting.first?.owner?.pid)), SIGSTOP)
                await other.release()
                let ended = try await run
                #expect(ended.status == 6, "\(ended.error)")
                #expect(ended.output == "ran\n")
            }
        }
    }

    @Test func aSignalForACommandThatIsNotStartedYetIsKeptForIt() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let other = try await client.lock("/x").acquire()
                async let run = zklock.run(
                    ["run", "-v", "/x", "--", "sleep", "60"],
                    onError: [
                        "obtained": { pid in
                            kill(pid, SIGTERM)
                            // Until it is passed on, which nobody can see.
                            try await Task.sleep(for: .milliseconds(200))
                            kill(try Zklock.guardian(of: pid), SIGCONT)
                        }
                    ])
                let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                kill(try Zklock.guardian(of: try #require(queue.waiting.first?.owner?.pid)), SIGSTOP)
                await other.release()
                let ended = try await run
                #expect(ended.status == 143, "\(ended.error)")
                #expect(ended.error.contains("runs as process"), "\(ended.error)")
            }
        }
    }

    @Test(arguments: [false, true])
    func whoLosesTheOfficeBeforeTheCommandCouldBeStartedRunsForItAgainUnlessAskedToEnd(isAsked: Bool) async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let other = try await client.lock("/x").acquire()
                async let candidate = zklock.run(
                    ["elect", "-v", "--kill-after", "300ms", "/x", "--", "sh", "-c", "echo ran; exit 3"],
                    onError: [
                        "obtained": { pid in
                            let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                            #expect(leader.owner?.pid == pid)
                            // Its lease is still valid for long; zklock wakes the guardian, as it does not answer.
                            try await client.delete(leader.node)
                            if isAsked { kill(pid, SIGTERM) }
                        }
                    ])
                let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                let pid = try #require(queue.waiting.first?.owner?.pid)
                kill(try Zklock.guardian(of: pid), SIGSTOP)
                await other.release()
                let ended = try await candidate
                #expect(ended.status == (isAsked ? 123 : 3), "\(ended.error)")
                #expect(ended.output == (isAsked ? "" : "ran\n"), "\(ended.error)")
                // Not in the first term, which it need not have had the time to show.
                let starts = ended.error.split(separator: "\n").count { $0.contains("runs as process") }
                #expect(starts == (isAsked ? 0 : 1), "\(ended.error)")
                #expect(ended.error.contains("elected again") == !isAsked, "\(ended.error)")
                try await expectNobodyLeft(at: NodePath("/x"), client)
            }
        }
    }
}
