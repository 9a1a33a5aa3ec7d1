import Logging

/// A client of a ZooKeeper ensemble.
///
/// ```swift
/// try await ZooKeeperClient.with(.init(servers: "zk1:2181,zk2:2181,zk3:2181")) { client in
///     let (path, stat) = try await client.create(NodePath("/jobs"), data: [UInt8]("hello".utf8))
/// }
/// ```
///
/// A lost connection is made again by itself, to any of the servers. Reads that were lost with it are made again, within their
/// `requestTimeout`; writes are not, since the server may have executed them: ``ZooKeeperError/outcomeIsUnknown`` says so. When the session expires, everybody who waits for an answer
/// or a watch of it is told, and a new session is opened by itself; ``states`` tells of both.
public final class ZooKeeperClient: Sendable {
    public let configuration: Configuration
    let keeper: SessionKeeper

    private init(
        _ configuration: Configuration, makeTransport: (@Sendable () -> any Transport)?
    ) throws(ZooKeeperError) {
        self.configuration = configuration
        keeper = SessionKeeper(configuration, try configuration.checked(), makeTransport: makeTransport)
    }

    deinit {
        keeper.close()
    }

    /// Connects, and returns when a server has answered a first request.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidConnectString` or `invalidTimeout` before anything is tried;
    ///   `hostNotFound`, `connectTimedOut`, `notZooKeeper`, `chrootMissing` or `authenticationFailed`; `cancelled` when the
    ///   calling task is cancelled. After an error nothing of the client is left.
    public static func connect(_ configuration: Configuration) async throws(ZooKeeperError) -> ZooKeeperClient {
        try await connect(configuration, makeTransport: nil)
    }

    /// The same over another transport, made anew for each session; the servers of the configuration do not matter then.
    package static func connect(
        _ configuration: Configuration, makeTransport: (@Sendable () -> any Transport)?
    ) async throws(ZooKeeperError) -> ZooKeeperClient {
        let client = try ZooKeeperClient(configuration, makeTransport: makeTransport)
        do {
            try await client.keeper.firstConnection()
            return client
        } catch {
            await client.close()
            throw error
        }
    }

    /// Connects, runs `body` with the client, and closes the client whatever happens.
    ///
    /// - Throws: what ``connect(_:)`` throws, or what `body` throws.
    public static func with<R>(
        _ configuration: Configuration,
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

    /// Ends the session: the server deletes its ephemeral znodes, and every request and watch that is pending fails with
    /// ``ZooKeeperError/Code/closed``. Without a connection no server can be told, nor perhaps one that takes more than a second and a half
    /// to answer; those znodes stay for the rest of the session timeout then. Returns within six seconds, when all threads of the client are
    /// gone. May be called any number of times, by several tasks at once, and is not cut short by cancellation.
    public func close() async {
        keeper.close()
        await keeper.finished.value()
    }

    /// Connects to other members of the ensemble from now on, without ending the session: for an ensemble that grew, shrank or
    /// moved. The client disconnects from a server that is not among them, and may move to another for balance.
    ///
    /// - Parameter servers: as in ``Configuration/servers``, with the same root or none.
    /// - Throws: ``ZooKeeperError`` with the code `invalidConnectString` or `hostNotFound`; nothing has changed then.
    public func updateServers(_ servers: String) async throws(ZooKeeperError) {
        var parsed = try ConnectString(servers)
        let chroot = keeper.servers.chroot
        guard parsed.chroot == .root || parsed.chroot == chroot else {
            throw ZooKeeperError(
                .invalidConnectString, operation: "update servers",
                detail: "the root of a client cannot change; it is '\(chroot)', not '\(parsed.chroot)'")
        }
        parsed.chroot = chroot
        try await keeper.update(parsed)
    }

    /// The states from now on, the current one first. Every call makes an independent sequence; it ends after
    /// ``SessionState/closed``. A reader that falls more than 256 states behind misses the oldest.
    public var states: some AsyncSequence<SessionState, Never> & Sendable {
        keeper.broadcast.states()
    }

    public var state: SessionState { keeper.broadcast.state }

    /// The session timeout that the servers agreed to; the one asked for before the first connection.
    public var sessionTimeout: Duration { keeper.currentSession?.timeout ?? configuration.sessionTimeout }

    /// The server that this client is connected to, as a numeric address and a port; `nil` while there is none.
    public var connectedServer: String? { keeper.currentSession?.server }

    /// The number of the current session, as the servers' logs and `Stat.ephemeralOwner` have it; `nil` between sessions.
    public var sessionID: Int64? {
        guard let session = keeper.currentSession, case let id = session.id, id != 0 else { return nil }
        return id
    }
}
