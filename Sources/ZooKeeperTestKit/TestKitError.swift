/// What went wrong with a test server, and what to do about it.
public struct TestKitError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; compare with `==` or switch over it with a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case javaMissing, jarsMissing, invalidConfiguration, directoryUnusable, noFreePort, addressInUse
            case spawnFailed, exitedEarly, notReady, notRunning, busy, noAnswer, leftBehind, noLeader
        }

        private let kind: Kind

        /// No usable Java runtime was found.
        public static let javaMissing = Code(kind: .javaMissing)
        /// The ZooKeeper server's jars were not found.
        public static let jarsMissing = Code(kind: .jarsMissing)
        /// A value of the configuration cannot be used, or a four-letter word has not four letters.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// The server's own directory could not be made or written.
        public static let directoryUnusable = Code(kind: .directoryUnusable)
        /// No free TCP port was found on 127.0.0.1.
        public static let noFreePort = Code(kind: .noFreePort)
        /// Another process has taken the server's port.
        public static let addressInUse = Code(kind: .addressInUse)
        /// A child process could not be started at all.
        public static let spawnFailed = Code(kind: .spawnFailed)
        /// The server ended before it was ready.
        public static let exitedEarly = Code(kind: .exitedEarly)
        /// The server runs, but did not serve within the start timeout.
        public static let notReady = Code(kind: .notReady)
        /// The operation needs a running server, and it was killed or has ended.
        public static let notRunning = Code(kind: .notRunning)
        /// Another restart of the same server is under way.
        public static let busy = Code(kind: .busy)
        /// The server did not answer a four-letter word in time, or refused the connection.
        public static let noAnswer = Code(kind: .noAnswer)
        /// The server's directory could not be removed.
        public static let leftBehind = Code(kind: .leftBehind)
        /// The ensemble had no leader with a quorum in time.
        public static let noLeader = Code(kind: .noLeader)

        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// What was tried, what happened, and what to do next.
    public let message: String
    /// The last lines of the server's log, where there are any.
    public let logTail: String?

    package init(_ code: Code, _ message: String, logTail: String? = nil) {
        self.code = code
        self.message = message
        self.logTail = logTail
    }

    public var description: String {
        guard let logTail else { return message }
        guard !logTail.isEmpty else { return message + " (its log is empty)" }
        return message + "\nThe last lines of its log:\n" + logTail
    }
}
