import Glibc

/// The files of one server, all in a directory of its own.
struct ServerFiles: Sendable {
    /// The directory that holds everything of this server.
    let directory: String

    var settings: String { directory + "/zoo.cfg" }
    var data: String { directory + "/data" }
    var log: String { directory + "/server.log" }
    /// The guardian kills what is recorded in files of this suffix.
    var processIdentifier: String { directory + "/server.pid" }

    /// Picks a new directory's name in `TMPDIR` (or /tmp); the guardian makes the directory.
    init(environment: [String: String]) {
        var parent = environment["TMPDIR"] ?? "/tmp"
        while parent.count > 1, parent.hasSuffix("/") {
            parent.removeLast()
        }
        directory = "\(parent)/zookeeper-testkit-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }

    /// Whether the directory is there.
    var directoryExists: Bool { access(directory, F_OK) == 0 }

    /// Whether the guardian has begun to remove the directory and not finished.
    var isBeingRemoved: Bool { access(directory + ".gone", F_OK) == 0 }

    /// Forgets the recorded process, after its exit was seen.
    func removeProcessIdentifier() {
        unlink(processIdentifier)
    }

    /// Writes which member of its ensemble the server is, where it looks for that.
    /// - Throws: `directoryUnusable` with the system's reason.
    func write(memberNumber: Int) throws(TestKitError) {
        guard mkdir(data, 0o700) == 0 || errno == EEXIST else { throw Self.failure("create", data) }
        try Self.write("\(memberNumber)\n", to: data + "/myid")
    }

    private static func failure(_ step: String, _ path: String) -> TestKitError {
        TestKitError(.directoryUnusable, "Could not \(step) \(path): \(String(cString: strerror(errno))).")
    }

    /// Writes a whole file.
    /// - Throws: `directoryUnusable` with the system's reason.
    static func write(_ text: String, to path: String) throws(TestKitError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("write", path) }
            rest = rest.dropFirst(written)
        }
    }

    /// The last lines of the log, or an empty string when there is none.
    func logTail(lines: Int = 30) -> String {
        let descriptor = open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        let start = max(0, size - 16_384)
        var bytes = [UInt8](repeating: 0, count: max(0, size - start))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, start) }
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}
