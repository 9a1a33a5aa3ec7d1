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

        /// By how much the servers' clocks may run faster than this machine's, as a fraction, at most 0.05. What a lease is believed for is
        /// shorter by so much.
        public var clockDrift = 0.001

        /// The `tickTime` of the ensemble, where it is known. Without it the shortest timeout that servers agree to, two ticks, is taken
        /// for granted, and a lease is believed for a little less long: by at most a quarter of the session timeout.
        public var tickTime: Duration?

        /// How long before the end of what may be believed a holder is told to stop; `nil` for a twentieth of the session timeout.
        public var stopMargin: Duration?

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

        var leaseSettings: Session.LeaseSettings {
            var settings = Session.LeaseSettings()
            settings.clock.drift = clockDrift
            settings.clock.tick = tickTime
            settings.stopMargin = stopMargin
            return settings
        }

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
            guard clockDrift >= 0, clockDrift <= 0.05 else {
                throw refuse("a clock drift of \(clockDrift): a fraction from 0 to 0.05")
            }
            if let tickTime, tickTime <= .zero { throw refuse("a tick of \(tickTime): more than zero") }
            if let stopMargin {
                guard stopMargin >= .zero, stopMargin <= sessionTimeout / 4 else {
                    throw refuse("a stop margin of \(stopMargin): at most a quarter of the session timeout")
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
