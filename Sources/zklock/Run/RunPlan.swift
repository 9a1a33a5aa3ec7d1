import ZooKeeper
import ZooKeeperLocks

/// What is to be done.
struct RunPlan: Sendable {
    enum Voice: Sendable { case silent, normal, verbose }

    /// Together with whom it may be held.
    enum Share: Hashable, Sendable {
        case nobody, readers
        /// One of so many permits.
        case permits(Int)
    }

    var path: NodePath
    /// Zero: take it or leave it.
    var timeout: Duration?
    var share = Share.nobody
    var naming = ContenderNaming.curator
    var label: String?
    var acl: [ACL]
    var conflictExitCode = ExitStatus.notObtained.rawValue
    var killAfter: Duration
    var ignoresRevocation = false
    var voice: Voice
    var configuration: ZooKeeperClient.Configuration
    /// The lock is an office: whoever has lost it queues again.
    var isElection = false

    /// Waits for the lock.
    func acquire(_ client: ZooKeeperClient, onPosition: @escaping @Sendable (QueuePosition) -> Void) async throws
        -> Lease
    {
        var options = DistributedLock.Options()
        options.label = label
        options.acl = acl
        options.naming = naming
        switch share {
        case .nobody:
            let lock = try DistributedLock(path, client: client, options: options)
            return try await lock.acquire(timeout: timeout, onPosition: onPosition)
        case .readers:
            let lock = try DistributedReadWriteLock(path, client: client, options: options)
            return try await lock.readLock.acquire(timeout: timeout, onPosition: onPosition)
        case .permits(let permits):
            let semaphore = try DistributedSemaphore(path, permits: permits, client: client, options: options)
            return try await semaphore.acquire(timeout: timeout, onPosition: onPosition)
        }
    }

    /// The longest time between the request to end and the kill. While all is well a lease lasts for a third of the session timeout
    /// at the least; what is left of that is the outage that a command survives.
    static func killShare(of sessionTimeout: Duration) -> Duration { sessionTimeout / 5 }

    /// How long before the end of the lease everybody is to be dead.
    static func margin(of sessionTimeout: Duration) -> Duration { sessionTimeout / 20 }
}
