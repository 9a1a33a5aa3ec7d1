import Glibc
import Logging
import ZooKeeper
import ZooKeeperLocks

/// A process of the test of permits whose holders are killed: contenders that take a permit again and again, until the end, or until the
/// process is killed. Writes down what happens.
///
///     permit-worker SERVERS FILE PERMITS CONTENDERS SESSION-TIMEOUT-MS END-MS
///
/// `END-MS` is an instant of the clock that all processes of the machine have in common; see ``ThisProcess/bootTime``.
@main enum PermitWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 7, let permits = Int(arguments[3]), let contenders = Int(arguments[4]),
            let timeout = Int(arguments[5]), let end = Int64(arguments[6])
        else { exit(64) }
        let witness = Witness(file: arguments[2])
        var configuration = ZooKeeperClient.Configuration(servers: arguments[1])
        configuration.logger.logLevel = .critical
        configuration.sessionTimeout = .milliseconds(timeout)
        try await ZooKeeperClient.with(configuration) { client in
            let semaphore = try client.semaphore("/permits", permits: permits)
            await withTaskGroup { group in
                for contender in 0..<contenders {
                    group.addTask { await work(contender, semaphore, witness, until: end) }
                }
            }
        }
    }

    private static func work(
        _ contender: Int, _ semaphore: DistributedSemaphore, _ witness: Witness, until end: Int64
    ) async {
        while ThisProcess.bootTime / 1_000_000 < end {
            do {
                try await semaphore.withPermits(timeout: .seconds(30)) { _ in
                    witness.tell("begin", contender)
                    defer { witness.tell("end", contender) }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 100...400)))
                }
            } catch {
                // A lost lease or a wait that was too long is seen in what was written down.
                witness.tell("failed", contender)
            }
        }
    }
}

/// Appends lines to a file that all processes write to: when, which process, which contender, what.
struct Witness {
    var file: String

    func tell(_ event: String, _ contender: Int) {
        let line = "\(ThisProcess.bootTime / 1_000_000) \(getpid()) \(contender) \(event)\n"
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        _ = line.withCString { write(descriptor, $0, strlen($0)) }
        close(descriptor)
    }
}
