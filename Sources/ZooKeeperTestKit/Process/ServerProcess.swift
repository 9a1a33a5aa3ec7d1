import Glibc
import Locking
import Subprocess
import ZooKeeper

/// One run of a server, from its launch to its exit.
final class ServerProcess: Sendable {
    /// What can be said to a process whose pid is certain to be its own.
    private enum Phase {
        case launching
        case running(pid_t)
        case ended
    }

    // Every signal is sent under this lock, and the process is reaped only after `ended` was set under it. So a signal
    // can never reach a stranger that got the same number.
    private let phase = Locked(Phase.launching)

    /// Launches the command in the directory of `files`, and registers it for the guardian before it becomes a server.
    ///
    /// Returns when the child process runs; cancellation does not interrupt that moment.
    /// - Returns: The process, and the task that ends with it; its value says how it ended.
    /// - Throws: `spawnFailed`.
    static func launch(
        _ command: JavaCommand,
        files: ServerFiles
    ) async throws(TestKitError) -> (process: ServerProcess, exit: Task<String, Never>) {
        let process = ServerProcess()
        let (starts, started) = AsyncStream<Void>.makeStream()
        // A task of its own: Subprocess ends a child whose task is cancelled, and only `TestServer` may end this one.
        let exit = Task.detached {
            defer { started.finish() }
            return await process.run(command, files: files) { started.yield() }
        }
        let isStarted = await Task.detached { await starts.first { true } != nil }.value
        guard isStarted else {
            throw TestKitError(.spawnFailed, "Could not run sh, which launches the server: \(await exit.value).")
        }
        return (process, exit)
    }

    /// Whether the exit was seen.
    var hasEnded: Bool {
        phase.withLock { if case .ended = $0 { true } else { false } }
    }

    /// Sends a signal. Returns false if the process has ended.
    @discardableResult
    func send(_ signal: Signal) -> Bool {
        phase.withLock { phase in
            guard case .running(let pid) = phase else { return false }
            return Glibc.kill(pid, signal.rawValue) == 0
        }
    }

    /// Sends SIGSTOP and waits the instant until every thread has stopped. Returns false if the process has ended.
    func stopExecution() -> Bool {
        phase.withLock { phase in
            guard case .running(let pid) = phase, Glibc.kill(pid, SIGSTOP) == 0 else { return false }
            var information = siginfo_t()
            // WNOWAIT leaves the status to the one who reaps; WEXITED lets a killed process end this wait too.
            while waitid(P_PID, id_t(pid), &information, WSTOPPED | WEXITED | WNOWAIT) != 0 {
                guard errno == EINTR else { return false }
            }
            return information.si_code == Int32(CLD_STOPPED)
        }
    }

    // The id must be on disk, and the directory still have its name, before there is a server; see `GuardianScript`.
    // Descriptor 3 is the life line: nobody else holds that pipe, so it ends when the server does.
    private static let launcher = """
        cd -- "$1" && echo $$ >"$1/server.pid" && [ -e "$1/server.pid" ] && shift && exec "$@" 3>&1 >>server.log 2>&1
        """

    private func run(
        _ command: JavaCommand,
        files: ServerFiles,
        onStart: @Sendable () -> Void
    ) async -> String {
        do {
            let arguments = ["-c", Self.launcher, "zookeeper-testkit-server", files.directory] + command.words
            let result = try await Subprocess.run(
                .name("sh"),
                arguments: Arguments(arguments),
                platformOptions: .ownSession,
                input: .none,
                output: .sequence,
                error: .discarded
            ) { execution in
                let pid = execution.processIdentifier.value
                phase.withLock { $0 = .running(pid) }
                onStart()
                // An error here means that the exit was seen first.
                do {
                    for try await _ in execution.standardOutput {}
                } catch {}
                phase.withLock { phase in
                    // Says nothing to a dead process. Should the life line ever break before, this keeps the promise
                    // that its end is the server's end.
                    Glibc.kill(pid, SIGKILL)
                    phase = .ended
                }
            }
            files.removeProcessIdentifier()
            return String(describing: result.terminationStatus)
        } catch {
            phase.withLock { $0 = .ended }
            return String(describing: error)
        }
    }
}
