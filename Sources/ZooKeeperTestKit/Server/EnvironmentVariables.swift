import Glibc

/// The few environment variables that the kit looks at.
enum EnvironmentVariables {
    /// Their values, without those that are unset or empty.
    static func current() -> [String: String] {
        var values: [String: String] = [:]
        for name in ["ZOOKEEPER_JAVA", "JAVA_HOME", "ZOOKEEPER_CLASSPATH", "PATH", "TMPDIR"] {
            if let value = getenv(name), value.pointee != 0 {
                values[name] = String(cString: value)
            }
        }
        return values
    }
}
