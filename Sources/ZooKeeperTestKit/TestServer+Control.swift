import Locking
import Subprocess
import ZooKeeper

extension TestServer {
    /// Kills the server with SIGKILL, as a crash would. Returns when the process is gone, also in a cancelled task.
    ///
    /// A restart that waits for this process to serve throws `exitedEarly`.
    /// - Throws: `notRunning` when there was nothing to kill.
    public func kill() async throws {
        guard let (process, exit) = running, process.send(.kill) else { throw notRunning("kill") }
        _ = await exit.value
    }

    /// Stops every thread of the server with SIGSTOP, as a long pause of the JVM or the machine would.
    ///
    /// When this returns, the server does nothing more until `resume`, `kill` or `restart`. The kernel still accepts
    /// connections for it.
    /// - Throws: `notRunning`.
    public func pause() throws {
        guard let (process, _) = running, process.stopExecution() else { throw notRunning("pause") }
    }

    /// Lets a paused server go on.
    /// - Throws: `notRunning`.
    public func resume() throws {
        guard let (process, _) = running, process.send(.resume) else { throw notRunning("resume") }
    }

    /// Ends the server in an orderly way: SIGTERM, and SIGKILL if it has not ended 5 seconds later.
    ///
    /// Returns when the process is gone, also in a cancelled task. Does nothing if none runs. `restart` can start it
    /// again.
    public func stop() async {
        guard let (process, exit) = running else { return }
        // A task of its own: the time to end in good order must not be cut short by a cancelled caller.
        await Task.detached {
            process.send(.terminate)
            // A paused process would never see the first signal.
            process.send(.resume)
            let impatience = Task {
                try await Task.sleep(for: .seconds(5))
                process.send(.kill)
            }
            _ = await exit.value
            impatience.cancel()
        }.value
    }

    /// Starts the server again with the same port and data, after a kill if it still runs. Returns when it serves; a member of
    /// an ensemble when it serves as part of a quorum.
    ///
    /// - Throws: `busy` when another restart is under way, `notRunning` after the end of `with`, `exitedEarly`,
    ///   `notReady`, `addressInUse`, `directoryUnusable` or `spawnFailed` when it does not come up, and
    ///   `CancellationError`. After a throw of the last six no server runs.
    public func restart() async throws {
        if let (process, exit) = running {
            process.send(.kill)
            _ = await exit.value
        }
        try lifecycle.withLock { lifecycle throws(TestKitError) in
            switch lifecycle {
            case .down: lifecycle = .launching
            case .up(let process, _) where process.hasEnded: lifecycle = .launching
            case .launching, .up: throw TestKitError(.busy, "Another restart of \(self.name) is under way.")
            case .over: throw notRunning("restart")
            }
        }
        let process: ServerProcess
        let exit: Task<String, Never>
        do {
            (process, exit) = try await launch()
        } catch {
            lifecycle.withLock { if case .launching = $0 { $0 = .down } }
            throw error
        }
        let isWanted = lifecycle.withLock { lifecycle in
            guard case .launching = lifecycle else { return false }
            lifecycle = .up(process, exit: exit)
            return true
        }
        do {
            guard isWanted else { throw notRunning("restart") }
            try await untilServing(process, exit)
        } catch {
            process.send(.kill)
            _ = await exit.value
            throw error
        }
    }

    /// Kills the server and refuses every later restart. Returns when the process is gone, also in a cancelled task.
    func killForGood() async {
        let last = lifecycle.withLock { lifecycle in
            defer { lifecycle = .over }
            return lifecycle
        }
        guard case .up(let process, let exit) = last else { return }
        process.send(.kill)
        _ = await exit.value
    }

    private var running: (process: ServerProcess, exit: Task<String, Never>)? {
        lifecycle.withLock { lifecycle in
            guard case .up(let process, let exit) = lifecycle else { return nil }
            return (process, exit)
        }
    }

    /// Whether the process was launched and has not ended; a paused one runs.
    var isRunning: Bool {
        running.map { !$0.process.hasEnded } ?? false
    }

    var name: String {
        guard let memberNumber else { return "the test server on \(connectString)" }
        return "member \(memberNumber) of the test ensemble, on \(connectString)"
    }

    func notRunning(_ operation: String) -> TestKitError {
        TestKitError(.notRunning, "Cannot \(operation) \(name): it is not running.", logTail: logTail)
    }
}
