import FoundationEssentials
import Glibc
import ZooKeeper
import ZooKeeperLocks

/// Asks once for a result that takes a while to compute, and prints what it got.
struct OnceWorker: Sendable {
    /// Where those who compute say so: a line with their process id.
    var witness: String
    var length: Duration
    var start: Int64

    func work(_ client: ZooKeeperClient) async throws {
        let once = try client.runOnce("/cache/prices")
        let pause = start - ThisProcess.bootTime / 1_000_000
        if pause > 0 { try await Task.sleep(for: .milliseconds(pause)) }
        let bytes = try await once.value(timeout: .seconds(60)) { _ in
            tell("\(getpid())\n")
            try await Task.sleep(for: length)
            return Array("\(UUID().uuidString) of \(getpid())".utf8)
        }
        print(String(decoding: bytes, as: UTF8.self))
    }

    private func tell(_ line: String) {
        let descriptor = open(witness, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        _ = line.withCString { write(descriptor, $0, strlen($0)) }
        close(descriptor)
    }
}
