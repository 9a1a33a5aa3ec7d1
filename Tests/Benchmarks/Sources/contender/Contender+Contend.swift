import ZooKeeper
import ZooKeeperLocks

extension Contender {
    /// Tasks that all want one lock, again and again, over one or more sessions.
    static func contend(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        let clients = try await sessions.first(request.sessions ?? 8)
        let (contenders, grants) = (request.contenders ?? 8, request.grants ?? 100)
        let log = GrantLog(contenders: contenders)
        await (try clients[0].lock(request.path).acquire()).release()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for number in 0..<contenders {
                let lock = try clients[number % clients.count].lock(request.path, options: request.options)
                group.addTask {
                    while log.mayBegin(limit: grants) {
                        let entered = ContinuousClock.now
                        let lease = try await lock.acquire()
                        log.granted(lease.fencingToken, to: number, enteredAt: entered)
                        log.releases()
                        await lease.release()
                    }
                }
            }
            try await group.waitForAll()
        }
        return log.answer(elapsed: .now - start)
    }

    /// A queue that is released as a chain: each holds for a number of round trips, and lets the next one in.
    static func chain(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        let clients = try await sessions.first(request.sessions ?? 8)
        let (depth, roundTrips) = (request.depth ?? 10, request.roundTrips ?? 0)
        let log = GrantLog(contenders: depth + 1)
        let head = try await clients[0].lock(request.path).acquire()
        log.granted(head.fencingToken, to: 0, turn: 0, enteredAt: .now)
        return try await withThrowingTaskGroup { group in
            let (entries, entered) = AsyncStream.makeStream(of: Void.self)
            var positions = entries.makeAsyncIterator()
            for number in 1...depth {
                let client = clients[number % clients.count]
                let lock = try client.lock(request.path)
                group.addTask {
                    let begin = ContinuousClock.now
                    let told = Once { entered.yield() }
                    let lease = try await lock.acquire(onPosition: { _ in told() })
                    log.granted(lease.fencingToken, to: number, turn: number, enteredAt: begin)
                    for _ in 0..<roundTrips { _ = try await client.exists(lock.path) }
                    log.releases()
                    await lease.release()
                }
                // One by one, so that the order is known.
                await positions.next()
            }
            try await Task.sleep(for: .milliseconds(request.settleMs ?? 300))
            let start = ContinuousClock.now
            log.releases()
            await head.release()
            try await group.waitForAll()
            return log.answer(elapsed: .now - start)
        }
    }
}
