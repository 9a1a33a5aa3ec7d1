import ZooKeeper

/// The command line of one server.
struct JavaCommand: Sendable, Equatable {
    /// The executable and its arguments.
    let words: [String]

    init(_ installation: ServerInstallation, _ configuration: TestServer.Configuration, files: ServerFiles) {
        let options = [
            // A server of a test lives for seconds: the second compiler and parallel collectors only cost it time.
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m",
            // Whatever the JVM writes belongs into the server's own directory, for that is what is removed at the end.
            "-XX:-UsePerfData", "-Djava.io.tmpdir=\(files.directory)", "-XX:ErrorFile=\(files.directory)/jvm-error.log",
            // The container check is a system property only; `zoo.cfg` knows no key for it.
            "-Dznode.container.checkIntervalMs=\(configuration.containerCheckInterval.milliseconds)",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-Dorg.slf4j.simpleLogger.showShortLogName=true",
        ]
        words =
            [installation.java] + options + configuration.jvmOptions
            + ["-cp", installation.classPath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", files.settings]
    }
}
