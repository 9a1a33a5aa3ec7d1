import TestSupport
import Testing
import ZooKeeperLocks
import ZooKeeperTestKit

@testable import ZooKeeper

/// Turns within a process, over an ensemble in memory: all that production runs, but for the C client.
@Suite(.timeLimit(.minutes(5))) struct MemoryTurnTests {
    func options(
        _ maxConsecutive: Int, linger: Duration = .zero, reentrant: Bool = false, maximumHold: Duration? = nil
    ) -> DistributedLock.Options {
        var options = DistributedLock.Options()
        options.fairness = .perProcess(maxConsecutive: maxConsecutive, linger: linger)
        options.isReentrant = reentrant
        options.maximumHold = maximumHold
        return options
    }

    @Test func tasksOfOneProcessTakeTurnsWithOneZnodeInTheirOrder() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(1000))
            let first = try await lock.acquire()
            let order = Recorder<Int>()
            let tokens = Recorder<FencingToken>()
            tokens.append(first.fencingToken)
            let waiting = Counter()
            await withTaskGroup { group in
                for number in 0..<20 {
                    // Each is in line before the next comes.
                    group.addTask {
                        let lease = try? await client.lock("/lock", options: options(1000)).acquire(onPosition: {
                            #expect($0.ahead == number + 1)
                            waiting.add()
                        })
                        guard let lease else {
                            Issue.record("no lease")
                            return
                        }
                        order.append(number)
                        tokens.append(lease.fencingToken)
                        await lease.release()
                    }
                    while waiting.value <= number { await Task.yield() }
                }
                let nodes = try? await client.children(lock.path)
                #expect(nodes?.count == 1)
                await first.release()
            }
            #expect(order.all == Array(0..<20))
            #expect(tokens.all.compactMap(\.turn) == Array(1...21))
            #expect(Set(tokens.all.map(\.rawValue)).count == 1)
            #expect(!first.isHeld)
            #expect(throws: LockError.released(lock.path)) { try first.checkHeld() }
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func anotherProcessGetsItsTurnWithinTheBound() async throws {
        let ensemble = MemoryEnsemble()
        let grants = Recorder<(process: Int, token: FencingToken)>()
        let inside = Counter()
        try await ensemble.with { admin in
            let gate = try await admin.lock("/lock").acquire()
            try await withThrowingTaskGroup { group in
                for process in 0..<3 {
                    let client = try await ensemble.connect()
                    let lock = try client.lock("/lock", options: options(7, linger: .milliseconds(process)))
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<30 {
                                try await lock.withLock { lease in
                                    #expect(inside.add() == 1)
                                    grants.append((process, lease.fencingToken))
                                    await Task.yield()
                                    inside.add(-1)
                                }
                            }
                        }
                    }
                }
                try await untilChildren(of: gate.path, admin, count: 4)
                await gate.release()
                try await group.waitForAll()
            }
        }
        let all = grants.all
        #expect(all.count == 3 * 8 * 30)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.token < $1.token })
        // A process that is through leaves the others to themselves.
        let last = (0..<3).map { process in all.lastIndex { $0.process == process } ?? 0 }.min() ?? 0
        let turns = Dictionary(grouping: all[..<last], by: \.token.rawValue).mapValues(\.count)
        #expect(turns.count > 60)
        #expect(turns.values.allSatisfy { $0 <= 7 }, "\(turns.values.sorted())")
    }

    @Test func aLingeringZnodeIsTakenAgainAndGivenBackWhenSomebodyComes() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let lock = try client.lock("/lock", options: options(1000, linger: .seconds(60)))
            var token = try await lock.withLock { $0.fencingToken }
            for _ in 0..<100 {
                let next = try await lock.withLock { $0.fencingToken }
                #expect(next.rawValue == token.rawValue && next > token)
                token = next
            }
            #expect(try await lock.withLockIfAvailable { $0.fencingToken.turn } == 102)
            try await ensemble.with { other in
                let lease = try await other.lock("/lock").acquire(timeout: .seconds(10))
                #expect(lease.fencingToken > token)
                #expect(try await lock.tryAcquire() == nil)
                await lease.release()
            }
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func aLingeringZnodeGoesWhenItsTimeIsOver() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(1000, linger: .milliseconds(100)))
            let start = ContinuousClock.now
            try await lock.withLock { _ in }
            #expect(try await client.children(lock.path).count == 1)
            try await untilChildren(of: lock, count: 0)
            #expect(ContinuousClock.now - start >= .milliseconds(100))
        }
    }

    @Test func withoutAnybodyElseTheProcessGoesOnBeyondTheBound() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(1, linger: .seconds(10)))
            let tokens = Recorder<FencingToken>()
            for _ in 0..<50 { try await lock.withLock { _ = tokens.append($0.fencingToken) } }
            #expect(tokens.all.compactMap(\.turn) == Array(1...50))
        }
    }

    @Test func thoseWhoGiveUpLeaveNothing() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { other in
            let lease = try await other.lock("/lock").acquire()
            try await ensemble.with { client in
                let lock = try client.lock("/lock", options: options(10))
                #expect(try await lock.tryAcquire() == nil)
                let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: .milliseconds(20)) }
                if case .timedOut(_, let ahead, let holder) = error {
                    #expect(ahead == 1)
                    #expect(holder?.node == lease.node)
                } else {
                    Issue.record("\(error as Any)")
                }
                #expect(try await client.children(lock.path).count == 1)
                let tasks = (0..<10).map { _ in Task { try await lock.acquire() } }
                try await untilChildren(of: lock, count: 2)
                for task in tasks { task.cancel() }
                for task in tasks {
                    await #expect(throws: LockError.cancelled(lock.path)) { try await task.value }
                }
                #expect(try await client.children(lock.path).count == 1)
            }
            await lease.release()
        }
    }

    @Test func aWaiterOfTheProcessThatTimesOutLearnsWhoHolds() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(10))
            let lease = try await lock.acquire()
            let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: .milliseconds(20)) }
            if case .timedOut(_, let ahead, let holder) = error {
                #expect(ahead == 1)
                #expect(holder?.node == lease.node)
            } else {
                Issue.record("\(error as Any)")
            }
            #expect(try await lock.tryAcquire() == nil)
            #expect(try await lock.withLockIfAvailable { _ in 1 } == nil)
            await lease.release()
        }
    }

    @Test func whenTheSessionExpiresTheHolderLosesAndThoseInLineGoOnInTheirOrder() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let lock = try client.lock("/lock", options: options(1000))
            let waiting = Counter()
            let order = Recorder<Int>()
            let tokens = Recorder<FencingToken>()
            let error = await #expect(throws: LockError.self) {
                try await lock.withLock { lease in
                    tokens.append(lease.fencingToken)
                    for number in 0..<5 {
                        Task {
                            let lease = try await lock.acquire(onPosition: { _ in waiting.add() })
                            order.append(number)
                            tokens.append(lease.fencingToken)
                            await lease.release()
                        }
                        while waiting.value <= number { await Task.yield() }
                    }
                    try await ensemble.expireSession(of: client)
                    try await Task.sleep(for: .seconds(60))
                }
            }
            #expect(error == .lost(lock.path, .sessionExpired, token: tokens.all[0]))
            while tokens.all.count < 6 { await Task.yield() }
            #expect(order.all == Array(0..<5))
            #expect(zip(tokens.all, tokens.all.dropFirst()).allSatisfy { $0 < $1 })
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func breakingTakesTheZnodeAndRevokingAsksTheOneWhoHolds() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let lock = try client.lock("/lock", options: options(1000, linger: .seconds(60)))
            let (first, second) = (try await lock.acquire(), Task { try await lock.acquire() })
            let events = first.events
            try await ensemble.with { admin in
                let entry = try #require(try await admin.lock("/lock").revoke(reason: "please"))
                #expect(entry.fencingToken.rawValue == first.fencingToken.rawValue)
                let event = await events.first { _ in true }
                if case .revocationRequested(let request) = event {
                    #expect(request.reason == "please")
                } else {
                    Issue.record("\(event as Any)")
                }
                #expect(first.revocation?.reason == "please")
                await first.release()
                // Whoever asked is not put off by those who come after it here.
                let next = try await second.value
                #expect(next.fencingToken.rawValue > first.fencingToken.rawValue)
                #expect(next.revocation == nil)
                try await admin.lock("/lock").break(token: next.fencingToken)
                let lost = await next.events.first { _ in true }
                #expect(lost == .lost(.nodeDeleted))
                #expect(throws: LockError.self) { try next.checkHeld() }
                await next.release()
            }
            try await lock.withLock { #expect($0.fencingToken.turn == 1) }
        }
    }

    @Test func aTurnThatIsHeldForTooLongIsLostAndTheNextBegins() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(1000, maximumHold: .seconds(1)))
            let lease = try await lock.acquire()
            var events = lease.events.makeAsyncIterator()
            let waiter = Task { try await lock.acquire() }
            let ahead = await events.next()
            if case .holdEnds = ahead {} else { Issue.record("not told ahead, but \(ahead as Any)") }
            #expect(await events.next() == .lost(.heldTooLong))
            #expect(await events.next() == nil)
            // It does not stop.
            let next = try await waiter.value
            #expect(next.fencingToken.rawValue == lease.fencingToken.rawValue && next.fencingToken > lease.fencingToken)
            #expect(throws: LockError.lost(lock.path, .heldTooLong, token: lease.fencingToken)) {
                try lease.checkHeld()
            }
            await lease.release()
            #expect(next.isHeld)
            await next.release()
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func reentrantScopesJoinATurn() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(10, reentrant: true))
            try await lock.withLock { outer in
                try await lock.withLock { inner in
                    #expect(inner.fencingToken == outer.fencingToken)
                    await inner.release()
                }
                #expect(outer.isHeld)
                try await outer.proveHeld()
            }
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func aGuardedTransactionFailsWhenTheZnodeIsGone() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(10))
            let lease = try await lock.acquire()
            var transaction = Transaction()
            transaction.create(try NodePath("/a"))
            try await client.commit(lease.guard(transaction))
            await lease.release()
            var late = Transaction()
            late.create(try NodePath("/b"))
            await expect(.noNode) { try await client.commit(lease.guard(late)) }
        }
    }

    @Test func closingTheClientEndsAllWhoWait() async throws {
        let client = try await MemoryEnsemble().connect()
        let lock = try client.lock("/lock", options: options(10, linger: .seconds(60)))
        let lease = try await lock.acquire()
        let tasks = (0..<5).map { _ in Task { try await lock.acquire() } }
        await Task.yield()
        await client.close()
        for task in tasks {
            let error = await #expect(throws: LockError.self) { try await task.value }
            #expect(error?.session?.code == .closed, "\(error as Any)")
        }
        #expect(throws: LockError.lost(lock.path, .clientClosed, token: lease.fencingToken)) { try lease.checkHeld() }
    }

    @Test func badOptionsAreRefused() async throws {
        try await MemoryEnsemble().with { client in
            for options in [options(0), options(-1), options(1, linger: .nanoseconds(-1))] {
                #expect(throws: ZooKeeperError.self) { try client.lock("/lock", options: options) }
            }
            // Nobody takes turns as a reader, or with a permit.
            #expect(throws: ZooKeeperError.self) { try client.readWriteLock("/rw", options: options(1)) }
            #expect(throws: ZooKeeperError.self) { try client.semaphore("/permits", permits: 2, options: options(1)) }
            #expect(throws: Never.self) {
                try client.lock("/lock", options: options(.max, linger: .seconds(Int64.max)))
            }
            let lock = try client.lock("/lock", options: options(.max, linger: .seconds(Int64.max)))
            try await lock.withLock { _ in }
            try await lock.withLock { #expect($0.fencingToken.turn == 2) }
            let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: .seconds(-1)) }
            #expect(error?.session?.code == .invalidArgument)
        }
    }

    @Test func aDroppedLeaseGivesItsTurnOn() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock", options: options(10))
            do { _ = try await lock.acquire() }
            try await lock.withLock(timeout: .seconds(10)) { _ in }
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func theRecordSaysThatTasksTakeTurns() async throws {
        try await MemoryEnsemble().with { client in
            var options = options(10)
            options.label = "turns"
            let lock = try client.lock("/lock", options: options)
            let lease = try await lock.acquire()
            let owner = try await client.queue(of: lock.path).holder?.owner
            #expect(owner?.takesTurns == true && owner?.label == "turns")
            await lease.release()
            let strict = try await client.lock("/lock").acquire()
            #expect(try await client.queue(of: lock.path).holder?.owner?.takesTurns == nil)
            await strict.release()
        }
    }
}
