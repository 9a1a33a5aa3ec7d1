extension TestEnsemble {
    /// How the members of a test ensemble are set up. Every property has a default that suits most tests.
    public struct Configuration: Sendable {
        /// How each member is set up. Its `additionalSettings` win over all others.
        ///
        /// Default: as a `TestServer`, but with 60 s to start, and a heap of 128 MB that `jvmOptions` can override.
        public var member: TestServer.Configuration
        /// How many ticks a follower has to connect to the leader and to catch up with it. At least 1. Default: 20.
        public var initLimit = 20
        /// How many ticks a follower and its leader may hear nothing from each other before they part. At least 1.
        /// Default: 10, which is 5 s with the default tick: a busy machine does not look like a fault.
        public var syncLimit = 10

        /// Creates the default configuration.
        public init() {
            member = TestServer.Configuration()
            member.startTimeout = .seconds(60)
        }

        /// The members' unit of time.
        public var tickTime: Duration {
            get { member.tickTime }
            set { member.tickTime = newValue }
        }

        package func validate(size: Int) throws(TestKitError) {
            func refuse(_ reason: String) -> TestKitError { TestKitError(.invalidConfiguration, reason) }
            guard (2...9).contains(size) else {
                throw refuse("An ensemble of \(size) members; it has 2 to 9. For one there is TestServer.")
            }
            for (name, value) in [("initLimit", initLimit), ("syncLimit", syncLimit)]
            where !(1...10_000).contains(value) {
                throw refuse("\(name) is \(value) ticks; it must be from 1 to 10000.")
            }
            try member.validate()
        }

        /// Three JVMs share the machine with the test.
        var memberWithSmallHeap: TestServer.Configuration {
            var member = member
            member.jvmOptions.insert("-Xmx128m", at: 0)
            return member
        }
    }
}
