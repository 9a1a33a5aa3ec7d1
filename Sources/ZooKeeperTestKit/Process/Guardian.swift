import Subprocess

/// A shell that outlives this process by a moment and leaves nothing behind.
///
/// It makes a server's directory, and when this process lets go or dies, it kills the server that is recorded there and
/// removes the directory. It runs in a session of its own, so that a Ctrl-C in the terminal does not reach it.
final class Guardian: Sendable {
    let directory: String
    private let hold: AsyncStream<Void>.Continuation
    private let end: Task<Void, Never>

    private init(directory: String, hold: AsyncStream<Void>.Continuation, end: Task<Void, Never>) {
        self.directory = directory
        self.hold = hold
        self.end = end
    }

    /// Starts a guardian and has it make the directory. Cancellation does not interrupt this.
    ///
    /// - Throws: `directoryUnusable` or `spawnFailed`; nothing is left behind then.
    static func start(directory: String) async throws(TestKitError) -> Guardian {
        let (held, hold) = AsyncStream<Void>.makeStream()
        let (readiness, ready) = AsyncStream<Void>.makeStream()
        // A task of its own: Subprocess ends a child whose task is cancelled, and this child must see the end of all.
        let failure = Task.detached { () -> TestKitError? in
            defer { ready.finish() }
            do {
                let result = try await run(
                    .name("sh"),
                    arguments: ["-c", GuardianScript.guarding, "zookeeper-testkit-guardian", directory],
                    platformOptions: .ownSession,
                    // Subprocess makes the pipe close-on-exec, so no other child keeps it open.
                    input: .inputWriter,
                    output: .sequence,
                    error: .string(limit: 4096)
                ) { execution in
                    var hasDirectory = false
                    for try await _ in execution.standardOutput {
                        hasDirectory = true
                        ready.yield()
                    }
                    ready.finish()
                    guard hasDirectory else { return }
                    // The shell's input ends when this closure returns.
                    for await _ in held {}
                }
                guard !result.terminationStatus.isSuccess else { return nil }
                let reason = result.standardError.trimmed
                return TestKitError(
                    .directoryUnusable,
                    "Could not make the server's directory \(directory): \(reason). TMPDIR can name another place."
                )
            } catch {
                return TestKitError(
                    .spawnFailed,
                    "Could not run sh, which guards the server's directory: \(error)."
                )
            }
        }
        let end = Task.detached { _ = await failure.value }
        let isReady = await Task.detached { await readiness.first { true } != nil }.value
        if isReady {
            return Guardian(directory: directory, hold: hold, end: end)
        }
        hold.finish()
        throw await failure.value
            ?? TestKitError(.spawnFailed, "The guardian of \(directory) ended at once, without saying why.")
    }

    /// Lets go: the guardian kills what still runs, removes the directory and ends. Returns when it has.
    func finish() async {
        hold.finish()
        await end.value
    }

    /// Does the same once more with a new shell, for a guardian that was itself killed.
    static func sweep(directory: String) async {
        await Task.detached {
            _ = try? await run(
                .name("sh"),
                arguments: ["-c", GuardianScript.sweeping, "zookeeper-testkit-sweep", directory],
                platformOptions: .ownSession,
                output: .discarded
            )
        }.value
    }
}

extension PlatformOptions {
    /// Out of reach of the signals that a terminal or a shell sends to this process's group.
    static var ownSession: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let front = drop(while: \.isWhitespace)
        guard let last = front.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(front[...last])
    }
}
