import Glibc
import Testing

@testable import ZooKeeperTestKit

/// What a server could leave behind on this machine.
enum TestServerTraces {
    /// Runs `body` with a directory for all temporary files, and checks that it is empty afterwards and that no process
    /// has its path on the command line.
    static func expectNone(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (_ environment: [String: String]) async throws -> Void
    ) async throws {
        let parent = "/tmp/zookeeper-testkit-tests-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try #require(mkdir(parent, 0o700) == 0)
        let environment = EnvironmentVariables.current().merging(["TMPDIR": parent]) { $1 }
        do {
            try await body(environment)
        } catch {
            Issue.record(error, sourceLocation: sourceLocation)
        }
        #expect(processes(mentioning: parent) == [], sourceLocation: sourceLocation)
        // Fails if the directory is not empty.
        #expect(rmdir(parent) == 0, "\(parent) is not empty", sourceLocation: sourceLocation)
    }

    /// The ids of all processes with this text in their command line.
    static func processes(mentioning text: String) -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let pid = Int32(name), pid != getpid() else { continue }
            if let line = content(of: "/proc/\(pid)/cmdline"), line.contains(text) {
                found.append(pid)
            }
        }
        return found
    }

    /// The process that a running server has recorded.
    static func processIdentifier(of server: TestServer) throws -> Int32 {
        let line = try #require(content(of: server.directory + "/server.pid")?.trimmed)
        return try #require(Int32(line))
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    private static func content(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
