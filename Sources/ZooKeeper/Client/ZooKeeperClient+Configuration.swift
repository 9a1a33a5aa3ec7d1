public import Logging

extension ZooKeeperClient {
    /// How a client connects.
    public struct Configuration: Sendable {
        /// Members of the ensemble and, if wanted, the znode that this client takes for its root:
        /// `zk1:2181,zk2:2181,[::1]:2181/app`. That znode must exist.
        public var servers: String

        /// How long the ensemble keeps the session, and its ephemeral znodes, when it hears nothing from this client; from 1 s
        /// to 10 min. The servers move it to between 2 and 20 of their ticks (4 s to 40 s as shipped): see
        /// ``ZooKeeperClient/sessionTimeout`` for what came of it.
        ///
        /// A connection that is silent for two thirds of this is given up; what is left then is the time to find another server.
        public var sessionTimeout: Duration = .seconds(10)

        /// How long one request may take, the wait for a connection included. One that takes longer fails with
        /// ``ZooKeeperError/Code/requestTimedOut``.
        public var requestTimeout: Duration = .seconds(10)

        /// How long ``ZooKeeperClient/connect(_:)`` tries.
        public var connectTimeout: Duration = .seconds(15)

        /// Who the client says it is, in each of its sessions, from the first request on.
        public var credentials: [Credential] = []

        /// Encrypt the connections; `nil` for plain ones. Depends on the C library at hand; see ``TLS``.
        public var tls: TLS?

        /// Gets the lines of this library and those of the C client.
        public var logger = Logger(label: "ZooKeeper")

        public init(servers: String) {
            self.servers = servers
        }

        static let sessionTimeouts: ClosedRange<Duration> = .seconds(1) ... .seconds(600)
        /// A day: longer waits are mistakes in a unit.
        static let longestWait = Duration.seconds(86_400)

        /// - Throws: ``ZooKeeperError/Code/invalidTimeout`` or ``ZooKeeperError/Code/invalidConnectString``.
        func checked() throws(ZooKeeperError) -> ConnectString {
            func refuse(_ detail: String) -> ZooKeeperError {
                ZooKeeperError(.invalidTimeout, operation: "connect", detail: detail)
            }
            guard Self.sessionTimeouts.contains(sessionTimeout) else {
                throw refuse("a session timeout of \(sessionTimeout): from 1 second to 10 minutes")
            }
            for (name, value) in [("request", requestTimeout), ("connect", connectTimeout)] {
                guard value > .zero, value <= Self.longestWait else {
                    throw refuse("a \(name) timeout of \(value): more than zero, at most a day")
                }
            }
            if let flaw = tls?.flaw { throw flaw }
            for credential in credentials {
                if let flaw = credential.flaw { throw flaw }
            }
            return try ConnectString(servers)
        }
    }
}
