import FoundationEssentials
import Glibc
import Subprocess
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// `zklock run` as scripts use it.
@Suite(.weighty) struct ZklockRunTests {
    @Test func theStatusIsThatOfTheCommand() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            #expect(try await zklock.run(["run", "/x", "--", "true"]).status == 0)
            #expect(try await zklock.run(["run", "/x", "--", "sh", "-c", "exit 7"]).status == 7)
            #expect(try await zklock.run(["run", "/x", "--", "sh", "-c", "kill -9 $$"]).status == 137)
            #expect(try await zklock.run(["run", "/x", "--", "sh", "-c", "kill -TERM $$"]).status == 143)
            #expect(try await zklock.run(["run", "/x", "--", "/no/such/command"]).status == 127)
            #expect(try await zklock.run(["run", "/x", "--", "/etc/passwd"]).status == 126)
            #expect(try await zklock.run(["run", "/x"]).status == 64)
            try await withDirectory { directory in
                // Without a first line that says by what to run it.
                let script = "\(directory)/script"
                #expect(FileManager.default.createFile(atPath: script, contents: Data("exit $1\n".utf8)))
                chmod(script, 0o755)
                let ended = try await zklock.run(["run", "/x", "--", script, "9"])
                #expect(ended.status == 9)
            }
            let left = try await ZooKeeperClient.with(configuration) { try await $0.children(NodePath("/x")) }
            #expect(left == [])
        }
    }

    @Test func zklocksOwnFailuresHaveAStatusOfTheirOwn() async throws {
        let zklock = try Zklock(.quiet("127.0.0.1:1"))
        let ended = try await zklock.run(["run", "--timeout", "1s", "/x", "--", "true"])
        #expect(ended.status == 125)
        #expect(ended.error.contains("127.0.0.1:1"), "\(ended.error)")
        #expect(ended.elapsed < .seconds(5))
    }

    @Test func theCommandKnowsItsLock() async throws {
        try await SharedServer.withRoot { configuration in
            let ended = try await Zklock(configuration).run([
                "run", "/a/x", "--", "sh", "-c",
                "echo $ZKLOCK_PATH; echo $ZKLOCK_NODE; echo $ZKLOCK_TOKEN; ps -o pgid= $$ | tr -d ' '; echo $$",
            ])
            let lines = ended.output.split(separator: "\n")
            try #require(lines.count == 5, "\(ended.output) \(ended.error)")
            #expect(lines[0] == "/a/x")
            #expect(lines[1].hasPrefix("/a/x/_c_") && lines[1].contains("-lock-"))
            #expect(Int64(lines[2]) ?? 0 > 0)
            // A group of its own.
            #expect(lines[3] == lines[4])
            #expect(ended.error == "")
        }
    }

    @Test func standardInputPassesByteForByte() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let result = try await Subprocess.run(
                    .name("bash"),
                    arguments: [
                        "-c",
                        """
                        head -c 1000000 /dev/urandom > \(directory)/in
                        ZKLOCK_SERVERS=\(zklock.servers) '\(zklock.path)' run /x -- cat < \(directory)/in > \(directory)/out
                        cat \(directory)/in | ZKLOCK_SERVERS=\(zklock.servers) '\(zklock.path)' run /x -- cat | cat > \(directory)/piped
                        cmp \(directory)/in \(directory)/out && cmp \(directory)/in \(directory)/piped && wc -c < \(directory)/piped
                        """,
                    ], output: .string(limit: 10_000), error: .string(limit: 10_000))
                #expect(result.standardOutput == "1000000\n", "\(result.standardError)")
            }
        }
    }

    @Test func aTryOnAHeldLockIsOverAtOnce() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let lease = try await client.lock("/x").acquire()
                let ended = try await zklock.run(["run", "--try", "/x", "--", "echo", "no"])
                print("--try on a held lock: \(ended.elapsed)")
                #expect(ended.status == 124)
                #expect(ended.output == "")
                #expect(ended.elapsed < .seconds(2))
                let other = try await zklock.run([
                    "run", "--try", "-q", "--conflict-exit-code", "3", "/x", "--", "echo", "no",
                ])
                #expect(other.status == 3)
                #expect(other.error == "")
                #expect(try await client.children(lease.path).count == 1)
                await lease.release()
                #expect(try await zklock.run(["run", "--try", "/x", "--", "echo", "yes"]).output == "yes\n")
            }
        }
    }

    @Test func whoDoesNotGetItInTimeLearnsWhoHasIt() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                var options = DistributedLock.Options()
                options.label = "the holder"
                let lease = try await client.lock("/x", options: options).acquire()
                let ended = try await zklock.run(["run", "--timeout", "300ms", "/x", "--", "echo", "no"])
                #expect(ended.status == 124)
                #expect(ended.error.contains("the holder"), "\(ended.error)")
                #expect(ended.elapsed >= .milliseconds(300))
                #expect(try await client.children(lease.path).count == 1)
                await lease.release()
            }
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func whoIsStoppedWhileWaitingLeavesNothing(signal: Int32) async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let lease = try await client.lock("/x").acquire()
                var changes = client.queueChanges(of: lease.path).makeAsyncIterator()
                _ = try await changes.next()
                let waiter = Task { try await zklock.run(["run", "/x", "--", "echo", "no"]) }
                let queue = try #require(try await changes.next())
                let pid = try #require(queue.waiting.first?.owner?.pid)
                kill(pid, signal)
                let ended = try await waiter.value
                #expect(ended.status == 128 + signal)
                #expect(ended.output == "")
                #expect(try await client.children(lease.path).count == 1)
                await lease.release()
            }
        }
    }

    @Test func aSignalReachesTheCommandOnce() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let script = """
                trap 'echo got TERM' TERM; trap 'echo got USR1' USR1; trap 'echo got INT; exit 3' INT
                echo ready
                while :; do sleep 0.02; done
                """
            let ended = try await zklock.run(["run", "/x", "--", "bash", "-c", script]) { pid in
                for signal in [SIGTERM, SIGUSR1, SIGINT] {
                    kill(pid, signal)
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            #expect(ended.output == "ready\ngot TERM\ngot USR1\ngot INT\n")
            #expect(ended.status == 3)
        }
    }

    @Test func whatIsIgnoredStaysIgnored() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let result = try await Subprocess.run(
                .name("sh"),
                arguments: [
                    "-c",
                    "trap '' HUP; ZKLOCK_SERVERS=\(zklock.servers) exec '\(zklock.path)' run /x -- grep SigIgn /proc/self/status",
                ], output: .string(limit: 10_000), error: .string(limit: 10_000))
            let mask = result.standardOutput.split(separator: "\t").last.flatMap {
                UInt64($0.prefix(16), radix: 16)
            }
            // Just SIGHUP; two are the C library's own.
            #expect(mask.map { $0 & 0x7FFF_FFFF } == 1, "\(result.standardOutput) \(result.standardError)")
        }
    }
}
