import ArgumentParser
import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say whether locks will work with these servers, and what to do where not.",
        discussion: """
            Asks each server for its part, connects, measures, and takes and gives back a lock beneath the path. Exits with 125 when something \
            is wrong; what is only worth a thought does not count.

            Examples:
              zklock doctor
              zklock doctor --servers zk1:2181,zk2:2181,zk3:2181 /locks
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "Beneath which path a lock is tried (default: /zklock-doctor).", transform: ConnectionOptions.path)
    var path: NodePath?

    func run() async throws {
        var findings = Findings()
        await members(&findings)
        do {
            var configuration = try connection.configuration()
            configuration.connectTimeout = .seconds(5)
            let client = try await ZooKeeperClient.connect(configuration)
            await session(client, asked: configuration.sessionTimeout, &findings)
            await lock(client, &findings)
            await client.close()
        } catch let error as ZooKeeperError {
            findings.bad("no connection: \(error)", "start the servers, or name others by --servers")
        }
        guard findings.areGood else { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private func members(_ findings: inout Findings) async {
        var leaders = 0
        let servers = ServerProbe.servers(in: connection.chosenServers)
        for server in servers {
            guard let text = await server.ask("srvr") else {
                findings.bad("\(server.name) does not answer", "is it running, is the port right, does it expect TLS?")
                continue
            }
            let answer = ServerAnswer(text)
            guard let mode = answer["Mode"] else {
                findings.odd(
                    "\(server.name) answers, but does not tell its part",
                    text.contains("not currently serving")
                        ? "it is part of no quorum: are most of the members running?"
                        : "allow it to: 4lw.commands.whitelist=srvr")
                continue
            }
            if mode == "leader" || mode == "standalone" { leaders += 1 }
            let version = answer.version.map { $0.map(String.init).joined(separator: ".") } ?? "?"
            findings.good("\(server.name) is \(mode), version \(version), \(answer["Connections"] ?? "?") connections")
            if let version = answer.version, ServerAnswer.mayLoseTransactions(version) {
                findings.odd(
                    "\(server.name) may lose a transaction when a follower catches up (ZOOKEEPER-4785)",
                    "3.8.5, 3.9.2 or later")
            }
            if let limit = await server.ask("conf").map(ServerAnswer.init)?["maxClientCnxns"] {
                let advice = "each zklock takes one while it runs or waits"
                findings.good(
                    "\(server.name) takes \(limit == "0" ? "any number of" : limit) connections from one address: \(advice)"
                )
            }
        }
        if leaders == 0, servers.count > 1 { findings.odd("none of these leads", "name all members by --servers") }
        if leaders > 1 {
            findings.bad("\(leaders) of these lead", "they are not one ensemble: name the members of one")
        }
    }

    private func session(_ client: ZooKeeperClient, asked: Duration, _ findings: inout Findings) async {
        findings.good("connected to \(client.connectedServer ?? "?")")
        let timeout = client.sessionTimeout
        do throws(ZooKeeperError) {
            var reads: [Duration] = []
            var writes: [Duration] = []
            for _ in 0..<20 {
                reads.append(
                    try await Self.time { () async throws(ZooKeeperError) in _ = try await client.exists(.root) })
                writes.append(
                    try await Self.time { () async throws(ZooKeeperError) in
                        var transaction = Transaction()
                        transaction.check(.root)
                        try await client.commit(transaction)
                    })
            }
            let worst = writes.max() ?? .zero
            findings.good(
                "a read takes \(Self.median(reads).brief), a write that a quorum agrees to \(Self.median(writes).brief), at worst \(worst.brief)"
            )
            let wanted = Self.recommended(worstWrite: worst)
            let text = "session timeout \(timeout.brief)" + (timeout == asked ? "" : ", asked for \(asked.brief)")
            if timeout < wanted {
                findings.odd(
                    "\(text): little with such writes",
                    "--session-timeout \(Int(wanted.components.seconds))s; the servers allow up to maxSessionTimeout, 20 ticks"
                )
            } else {
                findings.good("\(text); \(wanted.brief) would do for these round trips")
            }
        } catch {
            findings.bad("\(error)", "the connection is not good enough for locks, or a quorum is missing")
        }
    }

    private func lock(_ client: ZooKeeperClient, _ findings: inout Findings) async {
        let root = path ?? NodePath.doctor
        let lockPath = root.appending(unchecked: "doctor-\(getpid())")
        do {
            var options = DistributedLock.Options()
            options.label = "zklock doctor"
            let lock = try DistributedLock(lockPath, client: client, options: options)
            let start = ContinuousClock.now
            let lease = try await lock.acquire(timeout: .seconds(10))
            let taken = ContinuousClock.now - start
            await lease.release()
            findings.good(
                "a new lock at \(lockPath) is taken in \(taken.brief), parents and all, with token \(lease.fencingToken)"
            )
            // Containers: made anew they cost three requests; the servers remove them.
            try? await client.delete(lockPath)
            if path == nil { try? await client.delete(root) }
        } catch {
            findings.bad("no lock at \(lockPath): \(error)", Self.advice(error))
        }
    }

    private static func advice(_ error: any Error) -> String {
        guard case LockError.session(let error) = error else { return "see above" }
        switch error.code {
        case .notAuthorized:
            return "ask for the right to create there, say who you are (ZKLOCK_AUTH, --auth-file), or name another path"
        case .unimplemented:
            return "these servers do not know containers: ZooKeeper 3.5.3 or later, not in a rolling upgrade"
        default: return "see above"
        }
    }

    private static func time(
        _ body: () async throws(ZooKeeperError) -> Void
    ) async throws(ZooKeeperError) -> Duration {
        let start = ContinuousClock.now
        try await body()
        return .now - start
    }

    private static func median(_ times: [Duration]) -> Duration {
        times.isEmpty ? .zero : times.sorted()[times.count / 2]
    }

    /// A lease is renewed each sixth of the timeout and has as much to spare as a twelfth when all goes well; four slow writes in a row are to fit.
    /// Below ten seconds the election of a new leader is an outage.
    static func recommended(worstWrite: Duration) -> Duration {
        max(.seconds(10), .seconds(min(600, (worstWrite * 48).components.seconds + 1)))
    }
}

extension NodePath {
    fileprivate static let doctor = NodePath.root.appending(unchecked: "zklock-doctor")
}

/// What was found, told as it comes.
struct Findings {
    private(set) var areGood = true

    func good(_ text: String) { tell("ok   ", text) }

    func odd(_ text: String, _ advice: String) { tell("hmm  ", text, advice) }

    mutating func bad(_ text: String, _ advice: String) {
        areGood = false
        tell("BAD  ", text, advice)
    }

    private func tell(_ mark: String, _ text: String, _ advice: String? = nil) {
        Terminal.write(mark + text + "\n" + (advice.map { "     → \($0)\n" } ?? ""))
    }
}
