import ZooKeeperLocks

/// A line of the coordinator's; see the README. What a workload does not need is absent.
struct Request: Codable, Sendable {
    enum Workload: String, Codable {
        case cycle, contend, chain, idle, hold, wait
    }

    var workload: Workload
    var path: String
    var sessions: Int?
    var locks: Int?
    var cycles: Int?
    var contenders: Int?
    var grants: Int?
    var depth: Int?
    var roundTrips: Int?
    var settleMs: Int?
    var waiters: Int?
    var seconds: Double?
    var release: Release?
    /// The tasks of the process take turns: so many, while others wait.
    var maxConsecutive: Int?
    var lingerMs: Int?

    enum Release: String, Codable {
        case background
    }

    var options: DistributedLock.Options {
        var options = DistributedLock.Options()
        if release == .background { options.release = .background }
        if let maxConsecutive {
            options.fairness = .perProcess(
                maxConsecutive: maxConsecutive, linger: .milliseconds(lingerMs ?? 0))
        }
        return options
    }
}

/// The line that answers it.
struct Answer: Codable, Sendable {
    var error: String?
    var grants: Int?
    /// Grants while somebody else held: there must be none.
    var overlaps: Int?
    /// Grants to another than the one whose turn it was.
    var outOfOrder: Int?
    var elapsedNs: Int64?
    var longestWaitNs: Int64?
    /// How many grants the luckiest contender had, and the least lucky one.
    var fewest: Int?
    var most: Int?
    var timesNs: [Int64]?
    var rssBytes: Int?
    var idleCpuNs: Int64?
    var idleElapsedNs: Int64?
}

extension Duration {
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
