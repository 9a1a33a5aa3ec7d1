import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// What becomes of the command when the lock is lost, or zklock is. The command and what it starts do their best to survive.
@Suite(.weighty) struct ZklockLossTests {
    private func run(
        _ options: [String], _ zklock: Zklock, _ directory: String,
        then harm: @Sendable @escaping (pid_t, [pid_t]) async throws -> Void
    ) async throws -> (ended: Zklock.Ended, gone: Duration) {
        let gone = Recorder<Duration>()
        let ended = try await zklock.run(["run"] + options + ["/x", "--"] + StubbornCommand.arguments(directory)) {
            pid in
            let processes = try StubbornCommand.processes(directory)
            #expect(processes.allSatisfy(StubbornCommand.isAlive))
            let start = ContinuousClock.now
            try await harm(pid, processes)
            gone.append(try await StubbornCommand.untilGone(processes) - start)
        }
        return (ended, try #require(gone.all.first, "\(ended.output) \(ended.error)"))
    }

    @Test func everybodyIsGoneBeforeTheLeaseEndsWithoutAServer() async throws {
        try await TestServer.with { server in
            let zklock = try Zklock(.quiet(server.connectString))
            try await withDirectory { directory in
                let timeout = Duration.seconds(6)
                let (ended, gone) = try await run(
                    ["--session-timeout", "6s", "--kill-after", "1s"], zklock, directory
                ) { _, _ in try server.pause() }
                print(
                    "server paused: everybody gone after \(gone), session timeout \(timeout); zklock after \(ended.elapsed)"
                )
                #expect(ended.status == 123, "\(ended.error)")
                // The servers heard from the session when it began, which was before the pause.
                #expect(gone < timeout)
                try server.resume()
            }
        }
    }

    @Test func aBrokenLockEndsTheCommand() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run(["--kill-after", "1s"], zklock, directory) { _, _ in
                    try await ZooKeeperClient.with(configuration) { client in
                        let holder = try #require(try await client.queue(of: NodePath("/x")).holder)
                        try await client.delete(holder.node)
                    }
                }
                print("node deleted: everybody gone after \(gone)")
                #expect(ended.status == 123)
                #expect(ended.error.contains("nodeDeleted"), "\(ended.error)")
                #expect(gone > .milliseconds(900) && gone < .seconds(3))
            }
        }
    }

    @Test func theRequestToEndComesSoon() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let deleted = Recorder<Int64>()
                let script = "trap 'date +%s%N; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
                let ended = try await zklock.run(["run", "/x", "--", "bash", "-c", script]) { _ in
                    let holder = try #require(try await client.queue(of: NodePath("/x")).holder)
                    try await client.delete(holder.node)
                    deleted.append(Self.now)
                }
                let told = try #require(
                    ended.output.split(separator: "\n").last.flatMap { Int64($0) }, "\(ended.output)")
                let delay = Duration.nanoseconds(told - (try #require(deleted.all.last)))
                print("TERM reached the command \(delay) after the deletion")
                #expect(delay < .milliseconds(200))
                #expect(ended.status == 123)
            }
        }
    }

    /// In nanoseconds since 1970, as the shell has it.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    @Test func aSessionThatTheServersHaveEndedEndsTheCommand() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run(["--kill-after", "500ms", "-v"], zklock, directory) { _, _ in
                    let holder = try await ZooKeeperClient.with(configuration) { client in
                        try await client.queue(of: NodePath("/x")).holder
                    }
                    try await StolenSession.end(try #require(holder).session, at: configuration.servers)
                }
                print("session ended: everybody gone after \(gone)")
                #expect(ended.status == 123, "\(ended.error)")
                #expect(ended.error.contains("sessionExpired") || ended.error.contains("nodeDeleted"), "\(ended.error)")
                // A server that ends a session in the middle of a request forgets that, and whom to tell; the client then notices the
                // silence. That is before the 10 s of the session are over, in any case.
                #expect(gone < .seconds(10), "\(ended.error)")
            }
        }
    }

    @Test func theCommandDiesWithZklock() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run([], zklock, directory) { pid, _ in kill(pid, SIGKILL) }
                print("zklock killed: everybody gone after \(gone)")
                #expect(ended.status == 137)
                #expect(gone < .seconds(1))
            }
        }
    }

    @Test func whatIsLeftOfACommandThatWasKilledEndsWithIt() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run(["--kill-after", "300ms"], zklock, directory) { _, processes in
                    kill(processes[0], SIGKILL)
                    try await ZooKeeperClient.with(configuration) { client in
                        let next = try await client.lock("/x").acquire(timeout: .seconds(20))
                        #expect(!processes.contains(where: StubbornCommand.isAlive))
                        await next.release()
                    }
                }
                print("command killed: the next holder came after \(gone)")
                #expect(ended.status == 137, "\(ended.error)")
            }
        }
    }

    @Test func whatACommandLeavesBehindGoesOn() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let script = "sleep 30 > /dev/null 2>&1 < /dev/null & echo $!"
                let ended = try await zklock.run(["run", "/x", "--", "bash", "-c", script])
                #expect(ended.status == 0)
                let left = try #require(pid_t(ended.output.split(separator: "\n").first ?? ""))
                #expect(StubbornCommand.isAlive(left))
                kill(left, SIGKILL)
            }
        }
    }

    @Test func theCommandDiesWithTheGuardian() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run([], zklock, directory) { _, processes in
                    kill(try StubbornCommand.parent(of: processes[0]), SIGKILL)
                }
                print("guardian killed: everybody gone after \(gone)")
                #expect(ended.status == 125, "\(ended.error)")
                #expect(gone < .seconds(1))
            }
        }
    }

    @Test func aGuardianThatIsStoppedDoesNotKeepTheCommandRunning() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run(["--kill-after", "500ms"], zklock, directory) { _, processes in
                    kill(try StubbornCommand.parent(of: processes[0]), SIGSTOP)
                    try await ZooKeeperClient.with(configuration) { client in
                        let holder = try #require(try await client.queue(of: NodePath("/x")).holder)
                        try await client.delete(holder.node)
                    }
                }
                print("guardian stopped, node deleted: everybody gone after \(gone)")
                #expect(ended.status == 123, "\(ended.error)")
                // The session timeout is 10 s here: the largest that this server agrees to.
                #expect(gone < .seconds(3))
            }
        }
    }

    @Test func aZklockThatIsStoppedDoesNotKeepTheCommandRunning() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let (ended, gone) = try await run(
                    ["--session-timeout", "4s", "--kill-after", "500ms"], zklock, directory
                ) { pid, processes in
                    kill(pid, SIGSTOP)
                    _ = try await StubbornCommand.untilGone(processes)
                    kill(pid, SIGCONT)
                }
                print("zklock stopped: everybody gone after \(gone), session timeout 4 s")
                #expect(ended.status == 123, "\(ended.error)")
                #expect(gone < .seconds(4))
            }
        }
    }
}
