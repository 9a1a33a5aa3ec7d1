import Glibc
import Logging
import ZooKeeper
import ZooKeeperLocks

/// This package's recipes as a worker; ../README.md tells how one is started and what it does.
///
///     interop-worker NAME SERVERS ROOT WITNESS CONTENDERS CYCLES HOLD RECIPE NAMING
@main struct InteropWorker {
    enum Recipe: String {
        case lock
        case readWrite = "read-write"
        case read
        /// Each writer becomes a reader before it is done.
        case downgrade
        case semaphore
        case election
        /// Nothing is locked: to see what is found out then.
        case none
    }

    struct UsageError: Error {}

    let path: NodePath
    let counter: NodePath
    let witness: Witness
    /// `nil`: until told.
    let hold: Duration?
    let recipe: Recipe
    let naming: ContenderNaming

    static func main() async {
        do {
            try await start(CommandLine.arguments)
        } catch {
            print(error, to: STDERR_FILENO)
            exit(1)
        }
    }

    private static func start(_ arguments: [String]) async throws {
        guard arguments.count == 10, let contenders = Int(arguments[5]), let cycles = Int(arguments[6]),
            let witness = Witness(file: arguments[4], name: arguments[1]), let recipe = Recipe(rawValue: arguments[8]),
            let naming = ContenderNaming.allCases.first(where: { "\($0)" == arguments[9] })
        else { throw UsageError() }
        let worker = InteropWorker(
            path: try NodePath("\(arguments[3])/lock"), counter: try NodePath("\(arguments[3])/counter"),
            witness: witness, hold: Int(arguments[7]).map { .milliseconds($0) }, recipe: recipe, naming: naming)
        var configuration = ZooKeeperClient.Configuration(servers: arguments[2])
        configuration.logger.logLevel = .critical
        configuration.sessionTimeout = .seconds(10)
        try await ZooKeeperClient.with(configuration) { [configuration] first in
            try await ZooKeeperClient.with(configuration) { second in
                await tellAndAwaitOrder("ready")
                try await withThrowingTaskGroup { group in
                    for number in 0..<contenders {
                        group.addTask {
                            try await worker.contend(number, number % 2 == 0 ? first : second, cycles: cycles)
                        }
                    }
                    try await group.waitForAll()
                }
                // The sessions stay until the queue has been looked at: what was left in it goes with them.
                await tellAndAwaitOrder("done")
            }
        }
    }

    private static func print(_ text: Any, to descriptor: Int32) {
        _ = "\(text)\n".withCString { write(descriptor, $0, strlen($0)) }
    }

    /// Blocks the main thread, on which nothing else happens. The end of standard input is an order like any other.
    @MainActor private static func tellAndAwaitOrder(_ state: String) {
        print(state, to: STDOUT_FILENO)
        _ = readLine()
    }

    private func contend(_ number: Int, _ client: ZooKeeperClient, cycles: Int) async throws {
        for cycle in 0..<cycles {
            try await self.cycle(client, number: number, writes: (number + cycle) % 3 == 0)
            // So that they do not all come back in the same order.
            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<10)))
        }
    }

    private func cycle(_ client: ZooKeeperClient, number: Int, writes: Bool) async throws {
        var options = DistributedLock.Options()
        options.naming = naming
        switch recipe {
        case .lock:
            let lock = try DistributedLock(path, client: client, options: options)
            try await lock.withLock { lease in try await increment(client, lease.node.name) }
        case .readWrite, .read, .downgrade:
            let lock = try DistributedReadWriteLock(path, client: client, options: options)
            guard writes, recipe != .read else {
                return try await lock.readLock.withLock { lease in try await observe(client, lease.node.name) }
            }
            try await lock.writeLock.withLock { lease in
                try await increment(client, lease.node.name)
                guard recipe == .downgrade else { return }
                try await lease.downgrade()
                try await observe(client, lease.node.name)
            }
        case .semaphore:
            let semaphore = try DistributedSemaphore(path, permits: 1, client: client)
            try await semaphore.withPermits { lease in try await increment(client, lease.node.name) }
        case .election:
            var options = LeaderElection.Options()
            // The others do not wait for that either.
            options.waitsForConfirmedLease = false
            let election = try LeaderElection(path, client: client, options: options)
            try await election.withLeadership { lease in try await increment(client, lease.node.name) }
        case .none:
            try await increment(client, "none-\(number)")
        }
    }

    /// Read, increment, write: an update is lost as soon as somebody else does the same meanwhile.
    private func increment(_ client: ZooKeeperClient, _ node: some StringProtocol) async throws {
        witness.begin(.alone, String(node))
        let value = try await value(client)
        try await pause()
        _ = try await client.set(counter, data: Array("\(value + 1)".utf8))
        witness.end(.alone, String(node), from: value, to: value + 1)
    }

    private func observe(_ client: ZooKeeperClient, _ node: some StringProtocol) async throws {
        witness.begin(.shared, String(node))
        let before = try await value(client)
        try await pause()
        witness.end(.shared, String(node), from: before, to: try await value(client))
    }

    private func value(_ client: ZooKeeperClient) async throws -> Int {
        let text = String(decoding: try await client.get(counter).data, as: UTF8.self)
        guard let value = Int(text) else { throw UsageError() }
        return value
    }

    private func pause() async throws {
        if let hold {
            try await Task.sleep(for: hold)
        } else {
            await Self.tellAndAwaitOrder("holding")
        }
    }
}
