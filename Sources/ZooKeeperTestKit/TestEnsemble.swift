/// A quorum of real ZooKeeper servers for tests, each a child process with a directory of its own.
///
/// ```swift
/// try await TestEnsemble.with { ensemble in
///     // connect to ensemble.connectString
///     try await ensemble.leader().kill()
/// }
/// ```
///
/// All members listen on free ports of 127.0.0.1 that nothing else in the tests can take while the value lives, and keep
/// them over restarts. They are ended and their directories removed in every case, as those of a `TestServer` are.
///
/// All methods may be called from any task.
public final class TestEnsemble: Sendable {
    /// The members, in the order of their numbers.
    ///
    /// Each can be killed, paused, stopped and restarted for itself. The `restart` of a member waits until it serves as
    /// part of a quorum, at most for its start timeout: while too many others are down it throws `notReady`, and that
    /// member does not run then. To start several, use ``start()``.
    public let members: [TestServer]
    let configuration: Configuration
    /// Kept for its reservations.
    private let ports: QuorumPorts

    /// Prepares the directories and ports; no server runs yet. What this makes, `end` removes.
    ///
    /// - Parameter route: The address at which one member is to look for another, where that is not its own.
    init(
        _ size: Int,
        _ configuration: Configuration,
        environment: [String: String],
        route: @escaping QuorumPorts.Route = { _, _, direct in direct }
    ) async throws(TestKitError) {
        try configuration.validate(size: size)
        self.configuration = configuration
        ports = try QuorumPorts(members: size, route: route)
        var members: [TestServer] = []
        for number in 1...size {
            do throws(TestKitError) {
                let membership = ports.membership(of: number, configuration)
                members.append(
                    try await TestServer(configuration.memberWithSmallHeap, membership, environment: environment)
                )
            } catch {
                for member in members { try? await member.end() }
                throw error
            }
        }
        self.members = members
    }

    /// The addresses of all members for a client, such as `127.0.0.1:12345,127.0.0.1:12346,127.0.0.1:12347`.
    public var connectString: String { members.map(\.connectString).joined(separator: ",") }
    /// The members' unit of time.
    public var tickTime: Duration { configuration.tickTime }

    /// Runs `body` with an ensemble all of whose members serve.
    ///
    /// When this returns, by whatever way, all servers have ended and their directories are gone. A cancelled task stops
    /// a start that is under way; `body` sees the cancellation by its own means.
    ///
    /// - Parameters:
    ///   - size: How many members there are, 2 to 9.
    ///   - configuration: How they are set up.
    ///   - isolation: The actor on which `body` runs.
    ///   - body: What to do with the ensemble. Do not use it or its members afterwards.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; `TestKitError` and `CancellationError` as `TestServer.with` does.
    public static func with<R>(
        _ size: Int = 3,
        configuration: Configuration = .init(),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestEnsemble) async throws -> sending R
    ) async throws -> sending R {
        let environment = EnvironmentVariables.current()
        return try await with(
            size,
            configuration: configuration,
            environment: environment,
            isolation: isolation,
            body
        )
    }

    /// The same, with members that look for each other where `route` says: at proxies in front of them, for example. It is
    /// asked before any member starts, and again with other addresses if a port turns out to be taken.
    package static func with<R>(
        _ size: Int,
        configuration: Configuration,
        route: @escaping QuorumPorts.Route,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestEnsemble) async throws -> sending R
    ) async throws -> sending R {
        let environment = EnvironmentVariables.current()
        return try await with(
            size,
            configuration: configuration,
            environment: environment,
            route: route,
            isolation: isolation,
            body
        )
    }

    /// The same with another environment and other routes between the members, so that the kit's own tests can choose them.
    static func with<R>(
        _ size: Int = 3,
        configuration: Configuration = .init(),
        environment: [String: String],
        route: @escaping QuorumPorts.Route = { _, _, direct in direct },
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestEnsemble) async throws -> sending R
    ) async throws -> sending R {
        let ensemble = try await started {
            try await TestEnsemble(size, configuration, environment: environment, route: route)
        }
        return try await ensemble.ending(after: body)
    }

    /// Starts all members that do not run, at the same time. Returns when they serve as part of a quorum.
    ///
    /// - Throws: As `TestServer.restart` does. After a throw some of them may run.
    public func start() async throws {
        try await withThrowingTaskGroup { group in
            for member in members where !member.isRunning {
                group.addTask { try await member.restart() }
            }
            try await group.waitForAll()
        }
    }

    /// Ends all members at the same time, in an orderly way as `TestServer.stop` does. Returns when their processes are
    /// gone, also in a cancelled task. ``start()`` starts them again, with the same ports and data.
    public func stop() async {
        await withTaskGroup { group in
            for member in members {
                group.addTask { await member.stop() }
            }
        }
    }

    /// Ends all members for good and removes their directories, also in a cancelled task.
    func end() async throws(TestKitError) {
        let errors = await withTaskGroup { group in
            for member in members {
                group.addTask { () async -> TestKitError? in
                    do throws(TestKitError) {
                        try await member.end()
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: [TestKitError]()) { errors, error in
                if let error { errors.append(error) }
            }
        }
        if let error = errors.first { throw error }
    }
}
