/// Where Java and ZooKeeper's jars are on this machine.
struct ServerInstallation: Sendable, Equatable {
    /// The `java` executable.
    let java: String
    /// The value for `java -cp`.
    let classPath: String

    /// What installs what is missing, named in every error.
    static let howToInstall = "Run `./zk-config/setup`, or `apt-get install default-jre-headless libzookeeper-java`."

    private static let jarDirectory = "/usr/share/java"

    /// Looks for the installation.
    ///
    /// - Parameters:
    ///   - environment: `ZOOKEEPER_JAVA` names the `java` executable; without it `JAVA_HOME/bin/java` and then `PATH`
    ///     are tried. `ZOOKEEPER_CLASSPATH` replaces the jars of Debian's package `libzookeeper-java`.
    ///   - files: Answers questions about files, so that tests need none.
    /// - Throws: `javaMissing` or `jarsMissing`, with the places looked at and the command that installs them.
    init(environment: [String: String], files: FileQueries = .real) throws(TestKitError) {
        self.java = try Self.findJava(environment, files)
        self.classPath = try Self.findClassPath(environment, files)
    }

    private static func findJava(
        _ environment: [String: String],
        _ files: FileQueries
    ) throws(TestKitError) -> String {
        // An explicit wish that cannot be met is an error: another Java would only hide the mistake.
        if let wish = environment["ZOOKEEPER_JAVA"] {
            guard files.isExecutable(wish) else {
                throw TestKitError(
                    .javaMissing,
                    "ZOOKEEPER_JAVA is \(wish), which is no executable file. Correct it or unset it. \(howToInstall)"
                )
            }
            return wish
        }
        var candidates: [String] = []
        if let home = environment["JAVA_HOME"] {
            candidates.append(home + "/bin/java")
        }
        for directory in (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":") where directory.hasPrefix("/") {
            candidates.append(directory + "/java")
        }
        for candidate in candidates where files.isExecutable(candidate) {
            return candidate
        }
        throw TestKitError(
            .javaMissing,
            "No Java runtime found; looked for \(candidates.joined(separator: ", ")). \(howToInstall) "
                + "Another one can be named with ZOOKEEPER_JAVA=/path/to/java."
        )
    }

    private static func findClassPath(
        _ environment: [String: String],
        _ files: FileQueries
    ) throws(TestKitError) -> String {
        if let wish = environment["ZOOKEEPER_CLASSPATH"] {
            let entries = wish.split(separator: ":").map(String.init)
            // `java` itself expands "directory/*".
            for entry in entries where !files.exists(entry.hasSuffix("/*") ? String(entry.dropLast(2)) : entry) {
                throw TestKitError(
                    .jarsMissing,
                    "ZOOKEEPER_CLASSPATH names \(entry), which does not exist. Correct it or unset it. \(howToInstall)"
                )
            }
            return wish
        }
        // Its manifest names all other jars but a logging back end.
        let server = jarDirectory + "/zookeeper.jar"
        guard files.exists(server) else {
            throw TestKitError(
                .jarsMissing,
                "No ZooKeeper server found; looked for \(server). \(howToInstall) "
                    + "Other jars can be named with ZOOKEEPER_CLASSPATH."
            )
        }
        let logging = jarDirectory + "/slf4j-simple.jar"
        return files.exists(logging) ? server + ":" + logging : server
    }
}
