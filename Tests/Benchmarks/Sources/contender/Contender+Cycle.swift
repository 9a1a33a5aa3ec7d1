import ZooKeeper
import ZooKeeperLocks

extension Contender {
    /// Locks that nobody else wants, over one session, each taken and released again and again.
    static func cycle(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        let client = try await sessions.first(1)[0]
        let (count, cycles) = (request.locks ?? 1, request.cycles ?? 100)
        let locks = try (0..<count).map {
            try client.lock(count == 1 ? request.path : "\(request.path)-\($0)", options: request.options)
        }
        // The paths are made by the first.
        for lock in locks { await (try lock.acquire()).release() }
        let start = ContinuousClock.now
        let times =
            count == 1
            ? try await cycle(locks[0], cycles)
            : try await withThrowingTaskGroup(of: [Int64].self) { group in
                for lock in locks { group.addTask { try await cycle(lock, cycles) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        return Answer(
            grants: times.count, overlaps: 0, outOfOrder: 0,
            elapsedNs: (ContinuousClock.now - start).nanoseconds, timesNs: times)
    }

    private static func cycle(_ lock: DistributedLock, _ cycles: Int) async throws -> [Int64] {
        var times: [Int64] = []
        times.reserveCapacity(cycles)
        for _ in 0..<cycles {
            let start = ContinuousClock.now
            await (try lock.acquire()).release()
            times.append((ContinuousClock.now - start).nanoseconds)
        }
        return times
    }
}
