import Glibc
import Logging
import ZooKeeper

/// A process of the tests of `BatchClaim` and `RunOnce`, for them to kill.
///
///     recipe-worker claim SERVERS STORE NUMBER WORKERS ITEMS BATCH SESSION-TIMEOUT-MS MS-FOR-AN-ITEM REST-AFTER
///     recipe-worker once SERVERS WITNESS SESSION-TIMEOUT-MS MS-FOR-THE-COMPUTATION START-MS
///
/// Whoever has finished `REST-AFTER` items rests once, in the middle of the next: long enough to be killed there. 0: never.
///
/// `START-MS` is an instant of the clock that all processes of the machine have in common; see ``ThisProcess/bootTime``.
@main enum RecipeWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "claim":
            let numbers = arguments.dropFirst(4).compactMap { Int($0) }
            guard arguments.count == 11, numbers.count == 7 else { exit(64) }
            let worker = ClaimingWorker(
                store: TokenStore(file: arguments[3]), number: numbers[0], items: numbers[2], batch: numbers[3],
                workers: numbers[1], pace: .milliseconds(numbers[5]), restAfter: numbers[6])
            try await ZooKeeperClient.with(configuration(arguments[2], numbers[4])) { client in
                try await worker.work(client)
            }
        case "once":
            let numbers = arguments.dropFirst(4).compactMap { Int($0) }
            guard arguments.count == 7, numbers.count == 3 else { exit(64) }
            let worker = OnceWorker(
                witness: arguments[3], length: .milliseconds(numbers[1]), start: Int64(numbers[2]))
            try await ZooKeeperClient.with(configuration(arguments[2], numbers[0])) { client in
                try await worker.work(client)
            }
        default: exit(64)
        }
    }

    private static func configuration(_ servers: String, _ timeout: Int) -> ZooKeeperClient.Configuration {
        var configuration = ZooKeeperClient.Configuration(servers: servers)
        configuration.logger.logLevel = .critical
        configuration.sessionTimeout = .milliseconds(timeout)
        return configuration
    }
}
