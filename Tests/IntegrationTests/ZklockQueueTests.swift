import FoundationEssentials
import Glibc
import Subprocess
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// `zklock ls`, `watch` and `break`.
@Suite(.weighty) struct ZklockQueueTests {
    private struct Contender: Decodable {
        var node: String
        var token: Int64
        var ahead: Int
        var holds: Bool
        var enteredMs: Int64?
        var holdingSinceMs: Int64?
        var label: String?
        var path: String?
        var waiting: Int?
    }

    private struct Queue: Decodable {
        var event: String
        var contenders: [Contender]
    }

    private func contenders(_ output: String) throws -> [Contender] {
        try output.split(separator: "\n").map { try JSONDecoder().decode(Contender.self, from: Data($0.utf8)) }
    }

    /// With the command, a command for it to run, and an empty root.
    private func withZklock(
        _ body: (Zklock, PatientCommand, ZooKeeperClient.Configuration) async throws -> Void
    ) async throws {
        try await SharedServer.withRoot { configuration in
            try await withDirectory { directory in
                try await body(try Zklock(configuration), PatientCommand(in: directory), configuration)
            }
        }
    }

    /// How many sessions watch the znode of the contender of `/x` with that token.
    private func watchers(of token: Int64, _ configuration: ZooKeeperClient.Configuration) async throws -> Int {
        let queue = try await ZooKeeperClient.with(configuration) { try await $0.queue(of: NodePath("/x")) }
        let entry = try #require(queue.entries.first { $0.fencingToken.rawValue == token })
        let watched = try await SharedServer.server.value.fourLetterWord("wchp").split(separator: "\n")
        guard let line = watched.firstIndex(where: { $0.hasSuffix(entry.node.string) }) else { return 0 }
        return watched[(line + 1)...].prefix { $0.hasPrefix("\t") }.count
    }

    @Test func locksAndQueuesAreListed() async throws {
        try await withZklock { zklock, command, configuration in
            let nothing = try await zklock.run(["ls"])
            #expect(nothing.status == 0 && nothing.output == "")
            let run = ["run", "--label", "first", "/a/x", "--"] + command.arguments
            let ended = try await zklock.run(run) { _ in
                try await ZooKeeperClient.with(configuration) { client in
                    let waiter = Task { try await client.lock("/a/x").acquire() }
                    var changes = client.queueChanges(of: try NodePath("/a/x")).makeAsyncIterator()
                    while try await changes.next()?.entries.count != 2 {}
                    let queue = try contenders(try await zklock.run(["ls", "/a/x", "--json"]).output)
                    #expect(queue.map(\.holds) == [true, false])
                    #expect(queue.map(\.ahead) == [0, 1])
                    #expect(queue.first?.label == "first")
                    #expect(queue[0].token < queue[1].token)
                    #expect(queue[0].holdingSinceMs == queue[0].enteredMs && queue[1].holdingSinceMs == nil)
                    let locks = try contenders(try await zklock.run(["ls", "/", "--json"]).output)
                    #expect(locks.map(\.path) == ["/a/x"])
                    #expect(locks.map(\.waiting) == [1])
                    let table = try await zklock.run(["ls", "/a/x"])
                    #expect(table.output.contains("holds for ") && table.output.contains("(first)"), "\(table.output)")
                    command.finish()
                    await (try waiter.value).release()
                }
            }
            #expect(ended.status == 0)
        }
    }

    @Test func changesAreToldAsTheyHappen() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await ZooKeeperClient.with(configuration) { client in
                let lock = try client.lock("/x")
                let result = try await Subprocess.run(
                    .name("env"),
                    arguments: Arguments(["ZKLOCK_SERVERS=\(zklock.servers)", zklock.path, "watch", "/x", "--json"]),
                    input: .none, output: .sequence, error: .discarded
                ) { execution in
                    var sizes: [Int] = []
                    var lease: Lease?
                    for try await line in execution.standardOutput.strings() {
                        let queue = try JSONDecoder().decode(Queue.self, from: Data(line.utf8))
                        sizes.append(queue.contenders.count)
                        switch sizes {
                        case [0]: lease = try await lock.acquire()
                        case [0, 1]:
                            #expect(queue.contenders.first?.token == lease?.fencingToken.rawValue)
                            await lease?.release()
                        case [0, 1, 0]: try execution.send(signal: .interrupt)
                        default: break
                        }
                    }
                    return sizes
                }
                #expect(result.closureResult == [0, 1, 0])
            }
        }
    }

    @Test func onlyTheRightTokenBreaks() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let ended = try await zklock.run([
                "run", "--kill-after", "300ms", "/x", "--", "sh", "-c", "echo ready; sleep 60",
            ]) { _ in
                let holder = try #require(try contenders(try await zklock.run(["ls", "/x", "--json"]).output).first)
                let wrong = try await zklock.run(["break", "/x", "--token", "\(holder.token + 1)"])
                #expect(wrong.status == 125)
                #expect(wrong.error.contains("\(holder.token)"), "\(wrong.error)")
                let still = try await zklock.run(["ls", "/x", "--json"])
                #expect(try contenders(still.output).first?.token == holder.token)
                let right = try await zklock.run(["break", "/x", "--token", "\(holder.token)"])
                #expect(right.status == 0, "\(right.error)")
            }
            #expect(ended.status == 123, "\(ended.error)")
            #expect(ended.elapsed < .seconds(20))
        }
    }

    @Test func whoGoesByItselfIsLeftAlone() async throws {
        try await withZklock { zklock, command, configuration in
            let ended = try await zklock.run(["run", "--ignore-revocation", "/x", "--"] + command.arguments) { _ in
                let holder = try #require(try contenders(try await zklock.run(["ls", "/x", "--json"]).output).first)
                async let breaking = zklock.run(["break", "/x", "--token", "\(holder.token)", "--grace", "60s"])
                // Then it watches that node, as the holder does.
                while try await watchers(of: holder.token, configuration) < 2 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                command.finish()
                let broken = try await breaking
                #expect(broken.status == 0)
                #expect(broken.error.contains("by itself"), "\(broken.error)")
                #expect(broken.elapsed < .seconds(50))
            }
            #expect(ended.status == 0)
        }
    }

    @Test func aCommandIsAskedToEndAndEndsInOrder() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let command = "trap 'echo tidy; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
            let ended = try await zklock.run(["run", "/x", "--", "sh", "-c", command]) { _ in
                let asked = try await zklock.run(["revoke", "/x", "--reason", "hot\u{7}fix", "--wait", "20s"])
                #expect(asked.status == 0, "\(asked.error)")
                #expect(asked.error.contains("has gone"), "\(asked.error)")
            }
            #expect(ended.status == 7)
            #expect(ended.output.contains("tidy"))
            #expect(ended.error.contains(": hot?fix"), "\(ended.error)")
            let free = try await zklock.run(["revoke", "/x"])
            #expect(free.status == 0)
            #expect(free.error.contains("free"), "\(free.error)")
        }
    }

    @Test func aCommandThatDoesNotListenKeepsTheLock() async throws {
        try await withZklock { zklock, command, _ in
            let ended = try await zklock.run(["run", "--ignore-revocation", "/x", "--"] + command.arguments) { _ in
                let asked = try await zklock.run(["revoke", "/x", "--wait", "100ms"])
                #expect(asked.status == 124, "\(asked.error)")
                let table = try await zklock.run(["ls", "/x"])
                #expect(table.output.contains("(asked to give up)"), "\(table.output)")
                let wrong = try await zklock.run(["revoke", "/x", "--token", "1"])
                #expect(wrong.status == 125)
                #expect(wrong.error.contains("nobody here has token 1"), "\(wrong.error)")
                command.finish()
            }
            #expect(ended.status == 0, "\(ended.error)")
        }
    }

    @Test func aPrivateLockIsForWhoMayUseIt() async throws {
        try await withZklock { zklock, command, _ in
            try await withDirectory { directory in
                let file = "\(directory)/auth"
                #expect(FileManager.default.createFile(atPath: file, contents: Data("me:secret\n".utf8)))
                let run = ["run", "--private", "--auth-file", file, "/x", "--"] + command.arguments
                let ended = try await zklock.run(run) { _ in
                    let stranger = try await zklock.run(["run", "--try", "/x", "--", "true"])
                    #expect(stranger.status == 125)
                    #expect(stranger.error.contains("notAuthorized"), "\(stranger.error)")
                    let friend = try await zklock.run(["run", "--try", "--auth-file", file, "/x", "--", "true"])
                    #expect(friend.status == 124, "\(friend.error)")
                    command.finish()
                }
                #expect(ended.status == 0, "\(ended.error)")
            }
        }
    }

    @Test func theDoctorTellsWhatIsGoodAndWhatIsNot() async throws {
        try await SharedServer.withRoot { configuration in
            let good = try await Zklock(configuration).run(["doctor"])
            #expect(good.status == 0, "\(good.output)")
            #expect(good.output.contains("is standalone"), "\(good.output)")
            #expect(good.output.contains("a new lock at /zklock-doctor/"), "\(good.output)")
            let left = try await ZooKeeperClient.with(configuration) { try await $0.children(.root) }
            #expect(left == [])
        }
        let bad = try await Zklock(.quiet("127.0.0.1:1")).run(["doctor"])
        #expect(bad.status == 125)
        #expect(bad.output.contains("127.0.0.1:1 does not answer"), "\(bad.output)")
    }

    @Test func theBenchMeasuresAndLeavesNothing() async throws {
        try await SharedServer.withRoot { configuration in
            let ended = try await Zklock(configuration).run(["bench", "--duration", "200ms", "--sessions", "3"])
            #expect(ended.status == 0, "\(ended.error)")
            #expect(ended.output.contains("take and release a free lock: p50 "), "\(ended.output)")
            #expect(ended.output.contains("hand over, 3 sessions: p50 "), "\(ended.output)")
            let left = try await ZooKeeperClient.with(configuration) { try await $0.children(.root) }
            #expect(left == [])
        }
    }
}
