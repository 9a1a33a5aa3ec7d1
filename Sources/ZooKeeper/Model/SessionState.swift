/// Where the client's connection to the ensemble stands.
public enum SessionState: Hashable, Sendable {
    /// No session yet: the first connection is being made.
    case connecting
    /// Requests are answered.
    case connected
    /// The connection is lost, the session may live on: its ephemeral znodes are still there, and the client reconnects by
    /// itself. Nobody tells a client that is cut off that its session has expired: that is learned after reconnecting.
    case suspended
    /// The server has ended the session and removed its ephemeral znodes. A new session follows by itself.
    case expired
    /// The credentials were refused. The session is of no use any more.
    case authenticationFailed
    /// ``ZooKeeperClient/close()`` was called.
    case closed
}
