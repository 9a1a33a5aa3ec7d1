import ZooKeeper

extension TestServer {
    /// How a test server is set up. Every property has a default that suits most tests.
    public struct Configuration: Sendable {
        /// The server's unit of time; session timeouts are clamped to 2...20 of it. At least 1 ms. Default: 500 ms.
        public var tickTime: Duration = .milliseconds(500)
        /// Whether nodes with a time to live can be created. Default: true (a server's own default is false).
        public var extendedTypes = true
        /// How often the server removes empty containers and nodes whose time to live is over. At least 1 ms.
        /// Default: 60 s, as in a server's own default; a test of such nodes wants less.
        public var containerCheckInterval: Duration = .seconds(60)
        /// How many connections one address may have. Default: 0, which means no limit.
        public var maxClientConnections = 0
        /// More settings for `zoo.cfg`; they win over those the kit writes. Default: none.
        public var additionalSettings: [String: String] = [:]
        /// More options for the JVM, behind those of the kit, so that they win. Default: none.
        public var jvmOptions: [String] = []
        /// How long a start or restart may take until the server serves. Default: 30 s.
        public var startTimeout: Duration = .seconds(30)

        /// Creates the default configuration.
        public init() {}

        func validate() throws(TestKitError) {
            for (name, value) in [("tickTime", tickTime), ("containerCheckInterval", containerCheckInterval)]
            where !(1...Int64(Int32.max)).contains(value.milliseconds) {
                throw TestKitError(.invalidConfiguration, "\(name) is \(value); it must be from 1 ms to 24 days.")
            }
            guard maxClientConnections >= 0 else {
                throw TestKitError(
                    .invalidConfiguration,
                    "maxClientConnections is \(maxClientConnections); 0 means no limit, less means nothing."
                )
            }
        }
    }
}
