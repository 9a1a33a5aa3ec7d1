import Glibc
import ZooKeeper
import ZooKeeperLocks

extension Contender {
    /// Queues in which nothing happens: the memory that the waiters take, and the CPU time. Without waiters, that of locks held.
    static func idle(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        let clients = try await sessions.first(request.sessions ?? 8)
        let (locks, waiters) = (request.locks ?? 1, request.waiters ?? 0)
        var leases: [Lease] = []
        for number in 0..<locks {
            leases.append(try await clients[number % clients.count].lock("\(request.path)-\(number)").acquire())
        }
        var answer = Answer(grants: leases.count)
        let before = residentBytes()
        let log = GrantLog(contenders: 1)
        try await withThrowingTaskGroup { group in
            let (entries, entered) = AsyncStream.makeStream(of: Void.self)
            var positions = entries.makeAsyncIterator()
            for number in 0..<waiters {
                let lock = try clients[number % clients.count].lock("\(request.path)-\(number % locks)")
                group.addTask {
                    let told = Once { entered.yield() }
                    let lease = try await lock.acquire(onPosition: { _ in told() })
                    _ = log.mayBegin(limit: waiters)
                    await lease.release()
                }
                // So many requests at a time, no more.
                if number >= 64 { await positions.next() }
            }
            for _ in 0..<min(64, waiters) { await positions.next() }
            try await Task.sleep(for: .seconds(1))
            answer.rssBytes = residentBytes() - before
            let (start, used) = (ContinuousClock.now, cpuTime())
            try await Task.sleep(for: .seconds(request.seconds ?? 5))
            answer.idleCpuNs = cpuTime() - used
            answer.idleElapsedNs = (ContinuousClock.now - start).nanoseconds
            for lease in leases { await lease.release() }
            try await group.waitForAll()
        }
        // Each waiter was let in in the end.
        if log.mayBegin(limit: waiters) { answer.error = "not everybody was granted a lock" }
        answer.grants = locks + waiters
        return answer
    }

    /// One lock, taken and kept until the process ends; the answer comes when it is granted.
    static func take(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        let client = try await sessions.first(1)[0]
        let lease = try await client.lock(request.path).acquire()
        await Kept.shared.keep(lease)
        return Answer(grants: 1)
    }

    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func cpuTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Leases that are held until the process is killed.
private actor Kept {
    static let shared = Kept()
    private var leases: [Lease] = []

    func keep(_ lease: Lease) {
        leases.append(lease)
    }
}
