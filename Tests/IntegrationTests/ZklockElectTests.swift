import FoundationEssentials
import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// `zklock elect`: a command that runs while its candidate is in office.
@Suite(.weighty) struct ZklockElectTests {
    /// Says so, with the number of the term, until there is a file of that name.
    private static func service(until file: String) -> [String] {
        ["sh", "-c", "echo ready $ZKLOCK_TOKEN; while [ ! -e '\(file)' ]; do sleep 0.02; done; exit 7"]
    }

    private static func finish(_ file: String) {
        #expect(FileManager.default.createFile(atPath: file, contents: Data()))
    }

    /// Through in the second term: says "again" and exits with 3.
    private static func stubbornInTheFirstTerm(_ directory: String) -> [String] {
        let script = """
            cd '\(directory)'
            [ -e second ] && { echo again; exit 3; }
            touch second
            exec "$@"
            """
        return ["bash", "-c", script, "x"] + StubbornCommand.arguments(directory)
    }

    private static func terms(_ ended: Zklock.Ended) -> [Int64] {
        ended.output.split(separator: "\n").compactMap { $0.split(separator: " ").last.flatMap { Int64($0) } }
    }

    @Test func whoLosesTheOfficeRunsForItAgainBehindTheOthers() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let end = "\(directory)/end"
                let first = ["elect", "--label", "first", "/x", "--"] + Self.service(until: end)
                let ended = try await zklock.run(first) { pid in
                    try await ZooKeeperClient.with(configuration) { client in
                        let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                        #expect(leader.owner?.pid == pid)
                        async let other = zklock.run(
                            ["elect", "--label", "second", "/x", "--"] + Self.service(until: end)
                        ) {
                            other in
                            let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                            #expect(queue.entries.map { $0.owner?.label } == ["second", "first"])
                            // It passes that on to its command, which ends by it; so does the candidacy.
                            kill(other, SIGTERM)
                            _ = try await Zklock.queue(client) { $0.entries.map { $0.owner?.label } == ["first"] }
                            Self.finish(end)
                        }
                        _ = try await Zklock.queue(client) { $0.entries.count == 2 }
                        try await client.delete(leader.node)
                        #expect(try await other.status == 143)
                    }
                }
                #expect(ended.status == 7, "\(ended.error)")
                let terms = Self.terms(ended)
                #expect(terms.count == 2 && terms[0] < terms[1], "\(ended.output)")
                #expect(
                    ended.error.contains("the lock is lost") && ended.error.contains("elected again"), "\(ended.error)")
            }
            let left = try await ZooKeeperClient.with(configuration) { try await $0.children(NodePath("/x")) }
            #expect(left == [])
        }
    }

    @Test func nobodyIsInOfficeWithoutTheServersAndSomebodyIsWithThem() async throws {
        try await TestServer.with { server in
            let zklock = try Zklock(.quiet(server.connectString))
            try await withDirectory { directory in
                let begun = Recorder<Int>()
                let arguments =
                    ["elect", "--session-timeout", "6s", "--kill-after", "1s", "/x", "--"]
                    + Self.stubbornInTheFirstTerm(directory)
                let ended = try await zklock.run(arguments) { _ in
                    let processes = try StubbornCommand.processes(directory)
                    let start = ContinuousClock.now
                    try server.pause()
                    let gone = try await StubbornCommand.untilGone(processes) - start
                    print("server paused: the leader's processes gone after \(gone), session timeout 6 s")
                    #expect(gone < .seconds(6))
                    begun.append(1)
                    try server.resume()
                }
                #expect(begun.all == [1])
                #expect(ended.status == 3, "\(ended.error)")
                #expect(ended.output.contains("again"))
            }
        }
    }

    @Test func aGuardianThatIsStoppedDoesNotEndTheCandidacy() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let arguments =
                    ["elect", "--kill-after", "500ms", "/x", "--"] + Self.stubbornInTheFirstTerm(directory)
                let ended = try await zklock.run(arguments) { _ in
                    let processes = try StubbornCommand.processes(directory)
                    kill(try StubbornCommand.parent(of: processes[0]), SIGSTOP)
                    try await ZooKeeperClient.with(configuration) { client in
                        let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                        try await client.delete(leader.node)
                    }
                    _ = try await StubbornCommand.untilGone(processes)
                }
                #expect(ended.status == 3, "\(ended.error)")
                #expect(ended.output.contains("again"))
            }
        }
    }

    @Test func whoGivesUpTheOfficeOnRequestRunsForItAgain() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                let end = "\(directory)/end"
                let ended = try await zklock.run(["elect", "/x", "--"] + Self.service(until: end)) { _ in
                    let revoked = try await zklock.run(["revoke", "/x", "--reason", "maintenance", "--wait", "20s"])
                    #expect(revoked.status == 0, "\(revoked.error)")
                    try await ZooKeeperClient.with(configuration) { client in
                        _ = try await Zklock.queue(client) { $0.holder != nil }
                        Self.finish(end)
                    }
                }
                #expect(ended.status == 7, "\(ended.error)")
                #expect(Self.terms(ended).count == 2, "\(ended.output)")
                #expect(ended.error.contains("maintenance"), "\(ended.error)")
            }
        }
    }

    @Test func aCandidateThatIsAskedToEndLeavesNothing() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let lease = try await client.lock("/x").acquire()
                async let candidate = zklock.run(["elect", "/x", "--", "echo", "no"])
                let queue = try await Zklock.queue(client) { $0.entries.count == 2 }
                kill(try #require(queue.waiting.first?.owner?.pid), SIGTERM)
                let ended = try await candidate
                #expect(ended.status == 143)
                #expect(ended.output == "")
                #expect(try await client.children(lease.path).count == 1)
                await lease.release()
            }
        }
    }

    @Test func whoIsAskedToEndWhileLosingTheOfficeDoesNotRunAgain() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let script = "trap 'echo told' TERM; echo ready; while :; do sleep 0.02; done"
            let arguments = ["elect", "--kill-after", "1s", "/x", "--", "bash", "-c", script]
            try await ZooKeeperClient.with(configuration) { client in
                let ended = try await zklock.run(arguments) { pid in
                    let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                    try await client.delete(leader.node)
                    // Well after the loss was noticed, well before the kill.
                    try await Task.sleep(for: .milliseconds(400))
                    kill(pid, SIGTERM)
                }
                #expect(ended.status == 123, "\(ended.error)")
                try await expectNobodyLeft(at: NodePath("/x"), client)
            }
        }
    }

    /// In the first term it ends with 5 at the second request, and says when it has got the first one; in the second it is through, and
    /// exits with 3.
    private static func endsWhenAskedTwice(_ directory: String) -> [String] {
        let script = """
            cd '\(directory)'
            [ -e second ] && { echo again; exit 3; }
            touch second
            asked=0
            trap 'asked=$((asked + 1)); echo asked $asked' TERM
            echo ready
            while [ $asked -lt 2 ]; do sleep 0.02; done
            exit 5
            """
        return ["bash", "-c", script]
    }

    @Test func whoIsAskedToEndAndThenLosesTheOfficeDoesNotRunAgain() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                try await withDirectory { directory in
                    let ended = try await zklock.run(
                        ["elect", "/x", "--"] + Self.endsWhenAskedTwice(directory),
                        onOutput: [
                            "ready": { kill($0, SIGTERM) },
                            "asked 1": { _ in
                                let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                                try await client.delete(leader.node)
                            },
                        ])
                    #expect(ended.status == 123, "\(ended.output) \(ended.error)")
                    #expect(ended.error.contains("the lock is lost"), "\(ended.error)")
                    #expect(!ended.error.contains("elected again"), "\(ended.error)")
                }
                try await expectNobodyLeft(at: NodePath("/x"), client)
            }
        }
    }

    @Test func whoIsAskedToEndAndThenToGiveUpTheOfficeDoesNotRunAgain() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                try await withDirectory { directory in
                    let ended = try await zklock.run(
                        ["elect", "/x", "--"] + Self.endsWhenAskedTwice(directory),
                        onOutput: [
                            "ready": { kill($0, SIGTERM) },
                            "asked 1": { _ in
                                let revoked = try await zklock.run(["revoke", "/x"])
                                #expect(revoked.status == 0, "\(revoked.error)")
                            },
                        ])
                    // It ended by itself, in office to the end.
                    #expect(ended.status == 5, "\(ended.output) \(ended.error)")
                    #expect(ended.error.contains("asked to give up"), "\(ended.error)")
                    #expect(!ended.error.contains("elected again"), "\(ended.error)")
                }
                try await expectNobodyLeft(at: NodePath("/x"), client)
            }
        }
    }

    /// The loss is known before the guardian can say so.
    @Test(arguments: [SIGHUP, SIGTERM])
    func whoIsAskedToEndBeforeAStoppedGuardianTellsOfTheLossDoesNotRunAgain(signal: Int32) async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                try await withDirectory { directory in
                    let arguments =
                        ["elect", "--kill-after", "6s", "/x", "--"] + Self.stubbornInTheFirstTerm(directory)
                    let ended = try await zklock.run(arguments) { pid in
                        let processes = try StubbornCommand.processes(directory)
                        kill(try Zklock.guardian(of: pid), SIGSTOP)
                        let leader = try #require(try await client.queue(of: NodePath("/x")).holder)
                        try await client.delete(leader.node)
                        // Well after the loss was noticed, well before the guardian is woken.
                        try await Task.sleep(for: .seconds(2))
                        kill(pid, signal)
                        _ = try await StubbornCommand.untilGone(processes)
                    }
                    #expect(ended.status == 123, "\(ended.output) \(ended.error)")
                    #expect(!ended.error.contains("elected again"), "\(ended.error)")
                }
                try await expectNobodyLeft(at: NodePath("/x"), client)
            }
        }
    }
}
