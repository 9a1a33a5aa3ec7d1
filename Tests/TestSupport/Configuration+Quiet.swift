import Logging
import ZooKeeper

extension ZooKeeperClient.Configuration {
    /// For tests that are not about what is logged.
    package static func quiet(_ servers: String, sessionTimeout: Duration = .seconds(10)) -> Self {
        var configuration = Self(servers: servers)
        configuration.logger.logLevel = .critical
        configuration.sessionTimeout = sessionTimeout
        return configuration
    }

    /// For servers that restart: one that is just coming up may take a connection and never answer on it, which the C client
    /// gives up after two thirds of the session timeout. What is left has to do for the next attempt.
    package static func brief(_ servers: String) -> Self {
        quiet(servers, sessionTimeout: .seconds(9))
    }

    package func with(sessionTimeout: Duration) -> Self {
        var configuration = self
        configuration.sessionTimeout = sessionTimeout
        return configuration
    }
}
