import FoundationEssentials
import Glibc
import Subprocess
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Runs the command as a shell script would.
struct Zklock: Sendable {
    let path: String
    let servers: String

    init(_ configuration: ZooKeeperClient.Configuration) throws {
        path = try BuiltProgram("zklock").path
        servers = configuration.servers
    }

    struct Ended: Sendable {
        /// As shells have it.
        var status: Int32
        var output: String
        var error: String
        var elapsed: Duration
    }

    /// Runs it to its end.
    func run(_ arguments: [String]) async throws -> Ended {
        let start = ContinuousClock.now
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(["ZKLOCK_SERVERS=\(servers)", path] + arguments), input: .none,
            output: .string(limit: 10_000_000), error: .string(limit: 1_000_000))
        return Ended(
            status: result.terminationStatus.asInShells, output: result.standardOutput, error: result.standardError,
            elapsed: .now - start)
    }

    /// What is done with its process id, once, when it or its command has said something.
    typealias Reaction = @Sendable (pid_t) async throws -> Void

    /// Runs `body` with its process id once `ready` appears on standard output, and then waits for its end.
    func run(_ arguments: [String], whenReady body: @escaping Reaction) async throws -> Ended {
        try await run(arguments, onOutput: ["ready": body])
    }

    /// Reacts to the first line with each of these texts, and then waits for its end.
    func run(
        _ arguments: [String], onOutput: [String: Reaction] = [:], onError: [String: Reaction] = [:]
    ) async throws -> Ended {
        let start = ContinuousClock.now
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(["ZKLOCK_SERVERS=\(servers)", path] + arguments), input: .none,
            output: .sequence, error: .sequence
        ) { execution in
            // `env` has become zklock.
            let pid = execution.processIdentifier.value
            let error = execution.standardError
            let errors = Task { try await Self.read(error.strings(), of: pid, onError) }
            let output = try await Self.read(execution.standardOutput.strings(), of: pid, onOutput)
            return (output, try await errors.value)
        }
        return Ended(
            status: result.terminationStatus.asInShells, output: result.closureResult.0, error: result.closureResult.1,
            elapsed: .now - start)
    }

    private static func read<Lines: AsyncSequence>(
        _ lines: Lines, of pid: pid_t, _ reactions: [String: Reaction]
    ) async throws -> String where Lines.Element == String {
        var pending = reactions
        var text = ""
        for try await line in lines {
            text += line + "\n"
            for (said, body) in pending where line.contains(said) {
                pending[said] = nil
                try await body(pid)
            }
        }
        return text
    }

    /// The first queue at `/x` that is as it should be.
    static func queue(
        _ client: ZooKeeperClient, where condition: (QueueSnapshot) -> Bool
    ) async throws -> QueueSnapshot {
        for try await queue in client.queueChanges(of: try NodePath("/x")) where condition(queue) { return queue }
        throw CancellationError()
    }

    /// The process between it and its command, also before there is a command.
    static func guardian(of pid: pid_t) throws -> pid_t {
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        // Others may end meanwhile.
        return try #require(processes.first { (try? StubbornCommand.parent(of: $0)) == pid }, "no child of \(pid)")
    }
}

extension TerminationStatus {
    fileprivate var asInShells: Int32 {
        switch self {
        case .exited(let code): Int32(code)
        case .signaled(let signal): 128 + Int32(signal)
        }
    }
}

/// A directory for a test, removed afterwards.
func withDirectory<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> sending R
) async throws -> sending R {
    let path = FileManager.default.temporaryDirectory.path + "/zklock-test-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    do {
        let result = try await body(path)
        try FileManager.default.removeItem(atPath: path)
        return result
    } catch {
        try? FileManager.default.removeItem(atPath: path)
        throw error
    }
}

/// A command that says that it runs, and goes on until it is told to end.
struct PatientCommand {
    private let file: String

    init(in directory: String) { file = "\(directory)/end" }

    var arguments: [String] { ["sh", "-c", "echo ready; while [ ! -e '\(file)' ]; do sleep 0.02; done"] }

    func finish() {
        #expect(FileManager.default.createFile(atPath: file, contents: Data()))
    }
}

/// A command that is hard to get rid of: it and what it starts ignore SIGTERM, one of them has a session of its own, one has lost its
/// parent. Each writes its process id.
enum StubbornCommand {
    static let roles = ["command", "child", "session", "orphan"]

    static func arguments(_ directory: String) -> [String] {
        let script = """
            trap '' TERM
            wait_for_ever() { echo $BASHPID > $1.new && mv $1.new $1; while :; do sleep 0.05; done; }
            cd '\(directory)'
            wait_for_ever child &
            setsid bash -c "trap '' TERM; echo \\$\\$ > session.new && mv session.new session; while :; do sleep 0.05; done" &
            (setsid bash -c "trap '' TERM; echo \\$\\$ > orphan.new && mv orphan.new orphan; while :; do sleep 0.05; done" &)
            while ! [ -e child -a -e session -a -e orphan ]; do sleep 0.01; done
            echo $$ > command
            echo ready
            while :; do sleep 0.05; done
            """
        return ["bash", "-c", script]
    }

    static func processes(_ directory: String) throws -> [pid_t] {
        try roles.map { role in
            let text = try String(contentsOfFile: "\(directory)/\(role)", encoding: .utf8)
            return try #require(pid_t(text.split(separator: "\n").first ?? ""), "\(role): \(text)")
        }
    }

    static func parent(of pid: pid_t) throws -> pid_t {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }
        return try #require(line.flatMap { pid_t($0.dropFirst(6)) })
    }

    static func isAlive(_ pid: pid_t) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return false }
        return stat[end...].dropFirst(2).first != "Z"
    }

    /// When the last of them was gone; there is nobody who would tell, so this looks every millisecond, on a thread that does not wait for
    /// other tests.
    static func untilGone(_ processes: [pid_t], atMost limit: Duration = .seconds(30)) async throws
        -> ContinuousClock.Instant
    {
        let end = ContinuousClock.now + limit
        let gone = Promise<ContinuousClock.Instant?>()
        DetachedThread.start("until-gone") {
            while processes.contains(where: isAlive), .now < end { usleep(1000) }
            gone.resolve(.now < end ? .now : nil)
        }
        return try #require(await gone.value(), "still there: \(processes.filter(isAlive))")
    }
}
