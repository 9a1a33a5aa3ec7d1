import Glibc
import Logging
import ZooKeeper
import ZooKeeperLocks

/// A process of the tests of turns: tasks that take a lock again and again, and write down each turn while they hold it.
///
///     turn-worker SERVERS FILE TASKS ROUNDS MAX-CONSECUTIVE LINGER-MS
///
/// With `MAX-CONSECUTIVE` 0 the lock is strictly fair.
@main enum TurnWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 7, let tasks = Int(arguments[3]), let rounds = Int(arguments[4]),
            let maxConsecutive = Int(arguments[5]), let linger = Int(arguments[6])
        else { exit(64) }
        let file = open(arguments[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        var configuration = ZooKeeperClient.Configuration(servers: arguments[1])
        configuration.logger.logLevel = .critical
        var options = DistributedLock.Options()
        if maxConsecutive > 0 {
            options.fairness = .perProcess(maxConsecutive: maxConsecutive, linger: .milliseconds(linger))
        }
        try await ZooKeeperClient.with(configuration) { client in
            let lock = try client.lock("/lock", options: options)
            try await withThrowingTaskGroup { group in
                for _ in 0..<tasks {
                    group.addTask {
                        for _ in 0..<rounds {
                            try await lock.withLock { lease in
                                let token = lease.fencingToken
                                let line = "\(getpid()) \(token.rawValue) \(token.turn ?? 0)\n"
                                _ = line.withCString { write(file, $0, strlen($0)) }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
