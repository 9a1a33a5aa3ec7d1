import Locking
import TestSupport
import Testing
import ZooKeeperLocks
import ZooKeeperTestKit

@testable import ZooKeeper

/// The locks, unchanged, over an ensemble in memory.
@Suite(.timeLimit(.minutes(5))) struct MemoryLockTests {
    @Test func workersWithSessionsOfTheirOwnAreServedInOrder() async throws {
        let ensemble = MemoryEnsemble()
        let grants = Recorder<FencingToken>()
        let holders = Recorder<Int>()
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    try await ensemble.with { client in
                        let lock = try client.lock("/lock")
                        for _ in 0..<25 {
                            try await lock.withLock { lease in
                                #expect(holders.append(worker) == 1)
                                grants.append(lease.fencingToken)
                                await Task.yield()
                                holders.removeAll()
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let tokens = grants.all
        #expect(tokens.count == 200)
        #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func waitersThatComeAndGoLeaveNothingBehind() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock")
            let lease = try await lock.acquire()
            for _ in 0..<50 {
                await #expect(throws: LockError.self) { try await lock.acquire(timeout: .milliseconds(5)) }
            }
            let session = try #require(client.keeper.currentSession)
            let subscribers = session.core.withLock { $0.watches.subscribers }
            // The holder's, and perhaps the last waiter's.
            #expect(subscribers <= 4)
            await lease.release()
        }
    }

    @Test func tryAcquireTakesWhatIsFreeAndLeavesNothingWhereItIsNot() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock")
            let lease = try #require(try await lock.tryAcquire())
            #expect(try await lock.tryAcquire() == nil)
            #expect(try await client.children(lock.path).count == 1)
            await lease.release()
            #expect(try await lock.withLockIfAvailable { _ in 7 } == 7)
            try await expectNobodyLeft(at: lock.path, client)
        }
    }

    @Test func aTimeoutSaysWhoHoldsAndLeavesNothing() async throws {
        try await MemoryEnsemble().with { client in
            var options = DistributedLock.Options()
            options.label = "the first one"
            let lock = try client.lock("/lock", options: options)
            let lease = try await lock.acquire()
            let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: .milliseconds(50)) }
            if case .timedOut(let path, let ahead, let holder) = error {
                #expect(path == lock.path)
                #expect(ahead == 1)
                #expect(holder?.owner?.label == "the first one")
            } else {
                Issue.record("\(error as Any)")
            }
            #expect(try await client.children(lock.path).count == 1)
            await lease.release()
        }
    }

    /// As they do who were started together. Each asks once more, at the same time as the others, and is told of the queue as it is then.
    @Test(.enabled(if: !Sanitizer.isOn, "a second has to be enough for the answers"))
    func allWhoTimeOutAtTheSameTimeAreToldWhoHoldsNow()
        async throws
    {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock")
            let first = try await lock.acquire()
            let second = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 2)
            let (waiters, timeout, patience) = (30, Duration.seconds(2), Duration.seconds(1))
            let start = ContinuousClock.now
            struct Told {
                var error: (any Error)?
                var isInTime = true
            }
            try await withThrowingTaskGroup(of: Told.self) { group in
                for _ in 0..<waiters {
                    group.addTask {
                        do {
                            try await lock.acquire(timeout: timeout).release()
                            return Told()
                        } catch {
                            return Told(error: error, isInTime: .now - start < timeout + patience)
                        }
                    }
                }
                try await untilChildren(of: lock, count: 2 + waiters)
                await first.release()
                let lease = try await second.value
                // On a machine that is busy with other tests the turn may pass on, or the answers come, when nobody waits for it any more.
                let isInTime = ContinuousClock.now - start < timeout
                for try await told in group where isInTime && told.isInTime {
                    guard case LockError.timedOut(_, ahead: let ahead, holder: let holder)? = told.error else {
                        Issue.record("\(told)")
                        continue
                    }
                    #expect(holder?.node == lease.node)
                    #expect(ahead.map { $0 <= waiters } ?? false)
                }
                await lease.release()
            }
        }
    }

    @Test func randomCancellationsAndTimeoutsLeaveTheDirectoryEmpty() async throws {
        try await MemoryEnsemble().with { client in
            let lock = try client.lock("/lock")
            var outcomes: [String: Int] = [:]
            await withTaskGroup(of: String.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(1) * Double.random(in: 0..<100))
                        let patience = Duration.milliseconds(1) * Double.random(in: 0.01..<8)
                        let acquire = Task { () async throws(LockError) -> Lease in
                            try await lock.acquire(timeout: number.isMultiple(of: 2) ? patience : nil)
                        }
                        if !number.isMultiple(of: 2) {
                            try? await Task.sleep(for: patience)
                            acquire.cancel()
                        }
                        switch await acquire.result {
                        case .success(let lease):
                            await lease.release()
                            return "granted"
                        case .failure(LockError.timedOut): return "timed out"
                        case .failure(LockError.cancelled): return "cancelled"
                        case .failure(let error): return "\(error)"
                        }
                    }
                }
                for await outcome in group { outcomes[outcome, default: 0] += 1 }
            }
            #expect(Set(outcomes.keys).isSubset(of: ["granted", "timed out", "cancelled"]), "\(outcomes)")
            // On a machine that is busy with other tests an answer may take over a second; then the removal goes on for a moment.
            try await untilChildren(of: lock, count: 0)
        }
    }

    @Test func expiryCancelsTheBodyAndIsToldByWithLock() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let tokens = Recorder<FencingToken>()
            let error = await #expect(throws: LockError.self) {
                try await client.lock("/lock").withLock { lease in
                    tokens.append(lease.fencingToken)
                    try await ensemble.expireSession(of: client)
                    try await Task.sleep(for: .seconds(60))
                }
            }
            let token = try #require(tokens.all.first)
            #expect(error == .lost(try NodePath("/lock"), .sessionExpired, token: token))
        }
    }

    @Test func theNextOneGetsTheLockWhenTheHolderIsCutOffForTooLong() async throws {
        let ensemble = MemoryEnsemble(tickTime: .milliseconds(50))
        var configuration = MemoryEnsemble.configuration
        configuration.sessionTimeout = .seconds(1)
        let holder = try await ensemble.connect(configuration)
        let waiter = try await ensemble.connect(configuration)
        let lost = try await holder.lock("/lock").acquire()
        let next = Task { try await waiter.lock("/lock").acquire() }
        try await untilChildren(of: try waiter.lock("/lock"), count: 2)
        try await ensemble.disconnect(holder)
        let second = try await next.value
        #expect(second.fencingToken > lost.fencingToken)
        try await ensemble.reconnect(holder)
        _ = await first(of: holder.states) { $0 == .connected }
        #expect(throws: LockError.self) { try lost.checkHeld() }
        await second.release()
        await holder.close()
        await waiter.close()
    }

    /// The node is there, though the answer to its creation is lost; it is found again, and no second one is made.
    @Test func aLostAnswerToTheEntryDoesNotBlockTheQueue() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let lock = try client.lock("/lock")
            await (try await lock.acquire()).release()
            for _ in 0..<20 {
                try await ensemble.dropNextReply(of: client)
                let lease = try await lock.acquire(timeout: .seconds(10))
                #expect(try await client.children(lock.path).count == 1)
                await lease.release()
                try await untilChildren(of: lock, count: 0)
            }
        }
    }

    @Test func aLostAnswerToTheReleaseLeavesNothing() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let lock = try client.lock("/lock")
            for _ in 0..<20 {
                let lease = try await lock.acquire(timeout: .seconds(10))
                try await ensemble.dropNextReply(of: client)
                await lease.release()
                try await untilChildren(of: lock, count: 0)
            }
        }
    }
}
