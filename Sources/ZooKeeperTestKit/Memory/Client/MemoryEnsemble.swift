import Glibc
public import ZooKeeper

/// A ZooKeeper ensemble in the memory of this process: unit tests without Java, without ports, in microseconds.
///
/// ```swift
/// let ensemble = MemoryEnsemble()
/// let client = try await ensemble.connect()
/// try await client.lock("/lock").withLock { lease in … }
/// await ensemble.expireSession(of: client)
/// ```
///
/// Clients of it are real ``ZooKeeperClient``s, and everything that works with those works here: znodes of every mode, transactions,
/// watches, access rights, sessions that expire. What the network and the servers do to a client in bad times happens when a test asks
/// for it: ``disconnect(_:)``, ``expireSession(of:)``, ``dropNextReply(of:)``.
///
/// ## Where it differs from a server
///
/// Random steps on both look the same to clients (see `ConformanceTests`, against Debian's server 3.8.0), except:
///
/// - The names of children come in the order of their bytes; a server has no order. So with the ephemeral znodes of a session that ends:
///   here they are deleted in that order. Do not rely on it.
/// - The answer to a credential comes in its place; the C client may tell it ahead of earlier answers.
/// - Containers are refused in transactions with `unimplemented`, as times to live are. With a server, the C client misreads the answer
///   to a container there, which can abort the process.
/// - A znode that may not be read is watched in silence, as Debian's 3.8.0, 3.8.4 and 3.9.2 have it; older servers tell such events.
/// - `ip` rights know IPv4 only; every client is at 127.0.0.1. Schemes that servers are extended with are not known. There are no
///   super-users and no quotas.
/// - A packet has no limit of size, and there is no limit of connections. Servers do not get slow or throttle.
/// - A sequential mode with the root of a client itself (`/` below `host:port/app`) creates a sibling of that root, as with a server; the
///   path that is told of it, which that client cannot use, is another.
/// - A connection that is lost is made again at once, and only ever lost when a test asks for it.
///
/// All methods may be called from any task. It ends when nobody has it or a client of it any more.
public final class MemoryEnsemble: Sendable {
    private let runtime: MemoryRuntime

    /// - Parameters:
    ///   - tickTime: the unit of time of the servers; session timeouts are moved to between 2 and 20 of it, and sessions expire at
    ///     the end of one. At least 1 ms.
    ///   - containerCheckInterval: how often empty containers and znodes past their time to live are removed. At least 1 ms.
    public init(tickTime: Duration = .milliseconds(500), containerCheckInterval: Duration = .seconds(60)) {
        var configuration = EnsembleModel.Configuration()
        configuration.tick = max(1, tickTime.milliseconds)
        configuration.cleaningInterval = max(1, containerCheckInterval.milliseconds)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        configuration.startTime = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        runtime = MemoryRuntime(configuration)
    }

    /// A configuration that names no server.
    public static var configuration: ZooKeeperClient.Configuration { .init(servers: "memory:2181") }

    /// Connects a client to this ensemble. Close it as any other.
    ///
    /// - Parameter configuration: as for ``ZooKeeperClient/connect(_:)``; the hosts in it do not matter, the root behind them does.
    /// - Throws: what ``ZooKeeperClient/connect(_:)`` throws.
    public func connect(
        _ configuration: ZooKeeperClient.Configuration = MemoryEnsemble.configuration
    ) async throws(ZooKeeperError) -> ZooKeeperClient {
        let slash = configuration.servers.firstIndex(of: "/")
        let root = try slash.map { index throws(ZooKeeperError) in
            try NodePath(String(configuration.servers[index...]))
        }
        let runtime = runtime
        let client = try await ZooKeeperClient.connect(configuration) {
            MemoryTransport(runtime, root: root ?? .root)
        }
        // An answer from memory may come before the client has taken note of its new session.
        let isAdopted = Promise<Void>()
        client.whenSession { _ in isAdopted.resolve(()) }
        await isAdopted.value()
        return client
    }

    /// Connects, runs `body` with the client, and closes the client whatever happens.
    ///
    /// - Throws: what ``connect(_:)`` throws, or what `body` throws.
    public func with<R>(
        _ configuration: ZooKeeperClient.Configuration = MemoryEnsemble.configuration,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ZooKeeperClient) async throws -> sending R
    ) async throws -> sending R {
        let client = try await connect(configuration)
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    // MARK: Bad times

    /// Ends the current session of `client` at the servers, as if they had heard nothing from it for its timeout. When this returns,
    /// its ephemeral znodes are gone; the client learns of it a moment later, or, if it is cut off, when it is connected again.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `sessionExpired` when the client has no session of this ensemble now.
    public func expireSession(of client: ZooKeeperClient) async throws(ZooKeeperError) {
        try await change("expire", client) { $0.expire($1) }
    }

    /// Breaks the connection of `client` and keeps it from connecting until ``reconnect(_:)``. The session goes on, and expires when
    /// its timeout has passed; the client learns of that when it is connected again.
    ///
    /// - Throws: as ``expireSession(of:)`` does.
    public func disconnect(_ client: ZooKeeperClient) async throws(ZooKeeperError) {
        try await change("disconnect", client) { $0.cutOff($1) }
    }

    /// Lets `client` connect again.
    ///
    /// - Throws: as ``expireSession(of:)`` does.
    public func reconnect(_ client: ZooKeeperClient) async throws(ZooKeeperError) {
        try await change("reconnect", client) { $0.letConnect($1) }
    }

    /// The next write of `client` is executed, or refused, but its connection breaks before the answer arrives; it connects again by
    /// itself.
    ///
    /// - Throws: as ``expireSession(of:)`` does.
    public func dropNextReply(of client: ZooKeeperClient) async throws(ZooKeeperError) {
        try await change("drop", client) { $0.loseNextWrite(of: $1) }
    }

    private func change(
        _ operation: String, _ client: ZooKeeperClient,
        _ body: @escaping @Sendable (inout MemoryState, Int64) -> Bool
    ) async throws(ZooKeeperError) {
        let session = client.sessionID ?? 0
        guard await runtime.value({ body(&$0, session) }) else {
            throw ZooKeeperError(
                .sessionExpired, operation: operation,
                detail: "this client has no session of this ensemble now; wait until its state is connected")
        }
    }
}
