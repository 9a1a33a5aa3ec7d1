import ArgumentParser
import Glibc
import Logging
import ToolArguments
import ZooKeeper

/// How to reach the servers, and as whom: the same for all commands.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: .init(
            "The servers (default: $ZKLOCK_SERVERS, else localhost:2181).", valueName: "host:port,...[/chroot]"))
    var servers: String?

    @Option(
        help: .init(
            "How long the servers keep the lock of a zklock that is silent (default: 15s; they may change it).",
            valueName: "duration"),
        transform: Duration.init(argument:))
    var sessionTimeout: Duration?

    @Option(
        help: .init(
            "A file with user:password in its first line (default: $ZKLOCK_AUTH_FILE, else user:password from $ZKLOCK_AUTH).",
            valueName: "file"))
    var authFile: String?

    static let usualSessionTimeout = Duration.seconds(15)

    mutating func validate() throws {
        if let sessionTimeout, sessionTimeout < .seconds(1) || sessionTimeout > .seconds(600) {
            throw ValidationError("--session-timeout \(sessionTimeout.brief): 1 second to 10 minutes")
        }
    }

    var chosenServers: String { servers ?? Environment["ZKLOCK_SERVERS"] ?? "localhost:2181" }

    /// - Throws: `ValidationError` when there is no such file, or nothing in it.
    func configuration(sessionTimeout: Duration? = nil, isVerbose: Bool = false) throws -> ZooKeeperClient.Configuration
    {
        var configuration = ZooKeeperClient.Configuration(servers: chosenServers)
        configuration.sessionTimeout = self.sessionTimeout ?? sessionTimeout ?? Self.usualSessionTimeout
        configuration.connectTimeout = .seconds(10)
        configuration.credentials = try credential().map { [$0] } ?? []
        if isVerbose {
            configuration.logger = Logger(label: "zklock") { StreamLogHandler.standardError(label: $0) }
            configuration.logger.logLevel = .warning
        } else {
            // What matters is told by the errors.
            configuration.logger = Logger(label: "zklock") { _ in SwiftLogNoOpLogHandler() }
        }
        return configuration
    }

    /// Never from the command line, which everybody on the machine can read.
    func credential() throws -> Credential? {
        if let file = authFile ?? Environment["ZKLOCK_AUTH_FILE"] {
            guard let text = Self.firstLine(of: file) else {
                throw ValidationError("cannot read \(file): \(String(cString: strerror(errno)))")
            }
            return try Self.credential(text, from: file)
        }
        return try Environment["ZKLOCK_AUTH"].map { try Self.credential($0, from: "ZKLOCK_AUTH") }
    }

    static func credential(_ text: String, from source: String) throws -> Credential {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
            throw ValidationError("\(source): write user:password")
        }
        return .digest(user: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
    }

    private static func firstLine(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &buffer, buffer.count)
        guard count >= 0 else { return nil }
        return String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != 13 }, as: UTF8.self)
    }

    /// A path from the command line.
    static func path(_ text: String) throws -> NodePath {
        do {
            return try NodePath(text)
        } catch {
            throw ValidationError("'\(text)' is no path of ZooKeeper: \(error.detail)")
        }
    }
}

enum Environment {
    /// `nil` also for an empty value, as is usual for "not set".
    static subscript(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
