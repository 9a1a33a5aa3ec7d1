import Locking
import ZooKeeper

/// A real ZooKeeper server for tests, run as a child process with a directory of its own.
///
/// ```swift
/// try await TestServer.with { server in
///     // connect to server.connectString
/// }
/// ```
///
/// The server listens on a free port of 127.0.0.1 that nothing else in the tests can take while the value lives. It is
/// ended and its directory removed in every case: when the body returns or throws, when the task is cancelled, and
/// also when this process is interrupted or killed.
///
/// All methods may be called from any task.
public final class TestServer: Sendable {
    enum Lifecycle {
        case down
        case launching
        case up(ServerProcess, exit: Task<String, Never>)
        case over
    }

    let configuration: Configuration
    let files: ServerFiles
    let lifecycle = Locked(Lifecycle.down)
    /// Its part in an ensemble; nil for a server that stands alone.
    let membership: QuorumMembership?
    private let installation: ServerInstallation
    private let reservation: PortReservation
    private let guardian: Guardian

    /// Prepares the directory and the port; no server runs yet. What this makes, `end` removes.
    init(
        _ configuration: Configuration,
        _ membership: QuorumMembership? = nil,
        environment: [String: String]
    ) async throws(TestKitError) {
        try configuration.validate()
        self.configuration = configuration
        self.membership = membership
        installation = try ServerInstallation(environment: environment)
        reservation = try PortReservation.any()
        files = ServerFiles(environment: environment)
        guardian = try await Guardian.start(directory: files.directory)
    }

    /// The address for a client, such as `127.0.0.1:12345`. It stays the same over restarts.
    public var connectString: String { "127.0.0.1:\(port)" }
    /// The client port. It stays the same over restarts.
    public var port: Int { reservation.port }
    /// The member's number in its ensemble, from 1 (ZooKeeper's `myid`); nil for a server that stands alone.
    public var memberNumber: Int? { membership?.number }
    /// The path of the server's own directory; it goes when the server ends.
    public var directory: String { files.directory }
    /// The server's unit of time.
    public var tickTime: Duration { configuration.tickTime }
    /// The last 30 lines of the server's log; empty when there is none.
    public var logTail: String { files.logTail() }

    /// Runs `body` with a server that serves.
    ///
    /// When this returns, by whatever way, the server has ended and its directory is gone. A cancelled task stops
    /// a start that is under way; `body` sees the cancellation by its own means.
    ///
    /// - Parameters:
    ///   - configuration: How the server is set up.
    ///   - isolation: The actor on which `body` runs.
    ///   - body: What to do with the server. Do not use the server after it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws. `TestKitError` when the server cannot be started: `javaMissing`, `jarsMissing`,
    ///   `invalidConfiguration`, `directoryUnusable`, `noFreePort`, `addressInUse`, `spawnFailed`, `exitedEarly`,
    ///   `notReady`; and `leftBehind` when the directory cannot be removed. `CancellationError` when the task is
    ///   cancelled before the server serves.
    public static func with<R>(
        _ configuration: Configuration = .init(),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestServer) async throws -> sending R
    ) async throws -> sending R {
        try await with(configuration, environment: EnvironmentVariables.current(), isolation: isolation, body)
    }

    /// The same with another environment, so that the kit's own tests can choose one.
    static func with<R>(
        _ configuration: Configuration,
        environment: [String: String],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestServer) async throws -> sending R
    ) async throws -> sending R {
        let server = try await started { try await TestServer(configuration, environment: environment) }
        return try await server.ending(after: body)
    }

    /// Ends the server for good and removes its directory, also in a cancelled task.
    func end() async throws(TestKitError) {
        // Not `stop`: an orderly end takes the JVM a third of a second, and nobody will see the data again.
        await killForGood()
        await guardian.finish()
        if files.directoryExists || files.isBeingRemoved {
            await Guardian.sweep(directory: directory)
        }
        if files.directoryExists || files.isBeingRemoved {
            throw TestKitError(.leftBehind, "Could not remove \(directory); remove it by hand.")
        }
    }

    /// Writes the settings anew and starts the process.
    func launch() async throws(TestKitError) -> (process: ServerProcess, exit: Task<String, Never>) {
        let settings = ServerSettings(configuration, membership, port: port, dataDirectory: files.data)
        if let membership { try files.write(memberNumber: membership.number) }
        try ServerFiles.write(settings.text, to: files.settings)
        return try await ServerProcess.launch(JavaCommand(installation, configuration, files: files), files: files)
    }
}
