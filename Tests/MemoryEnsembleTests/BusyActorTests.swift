import Dispatch
import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperLocks

/// Callers whose actor is busy with something else when the lock is granted, or when their body has ended.
@Suite(.timeLimit(.minutes(5))) struct BusyActorTests {
    /// On a queue of its own, which can be stopped without a thread of the pool.
    private actor Desk {
        private final class Executor: SerialExecutor {
            let queue = DispatchQueue(label: "desk")

            func enqueue(_ job: consuming ExecutorJob) {
                let job = UnownedJob(job)
                queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
            }
        }

        private let executor = Executor()
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private(set) var bodies = 0

        /// Nothing else happens here until the semaphore is signalled.
        nonisolated func stop(until signal: DispatchSemaphore) { executor.queue.async { signal.wait() } }

        func work(under lock: DistributedLock) async throws { try await lock.withLock { _ in bodies += 1 } }

        func work(under lease: Lease) async throws { try await lease.run({ _ in bodies += 1 }, isolation: self) }

        /// Stopped when the body has ended.
        func work(
            under lock: DistributedLock, stoppingFor signal: DispatchSemaphore, _ begun: Promise<Void>
        ) async throws {
            try await lock.withLock { _ in
                bodies += 1
                stop(until: signal)
                begun.resolve(())
            }
        }

        /// Stopped as soon as it waits for the claim.
        func claim(from jobs: BatchClaim, stoppingFor signal: DispatchSemaphore) async throws {
            stop(until: signal)
            try await jobs.withBatch(of: ["a"], upTo: 1) { _ in bodies += 1 }
        }
    }

    private static var brief: ZooKeeperClient.Configuration {
        var configuration = MemoryEnsemble.configuration
        configuration.sessionTimeout = .seconds(1)
        return configuration
    }

    private func withClients(
        _ body: (MemoryEnsemble, _ other: ZooKeeperClient, _ client: ZooKeeperClient) async throws -> Void
    ) async throws {
        let ensemble = MemoryEnsemble(tickTime: .milliseconds(50))
        let other = try await ensemble.connect(Self.brief)
        let client = try await ensemble.connect(Self.brief)
        try await body(ensemble, other, client)
        await client.close()
        await other.close()
    }

    @Test func aBodyIsNotBegunUnderALeaseThatIsOver() async throws {
        try await withClients { ensemble, other, client in
            let (desk, signal) = (Desk(), DispatchSemaphore(value: 0))
            let (lock, theirs) = (try client.lock("/lock"), try other.lock("/lock"))
            let lease = try await lock.acquire()
            desk.stop(until: signal)
            let work = Task { try await desk.work(under: lease) }
            try await ensemble.disconnect(client)
            // The other one gets it when the session has ended, and with it the lease.
            let second = try await theirs.acquire()
            signal.signal()
            await #expect(throws: LockError.self) { try await work.value }
            #expect(await desk.bodies == 0)
            try second.checkHeld()
            await second.release()
            try await ensemble.reconnect(client)
        }
    }

    @Test func whatWasDoneUnderALeaseIsDone() async throws {
        try await withClients { ensemble, other, client in
            let (desk, signal) = (Desk(), DispatchSemaphore(value: 0))
            let (lock, theirs) = (try client.lock("/lock"), try other.lock("/lock"))
            let begun = Promise<Void>()
            let work = Task { try await desk.work(under: lock, stoppingFor: signal, begun) }
            await begun.value()
            try await ensemble.disconnect(client)
            await (try await theirs.acquire()).release()
            signal.signal()
            try await work.value
            #expect(await desk.bodies == 1)
            try await ensemble.reconnect(client)
        }
    }

    @Test(arguments: [DistributedLock.Fairness.strict, .perProcess(maxConsecutive: 10)])
    func theLongestHoldCountsFromTheGrant(fairness: DistributedLock.Fairness) async throws {
        try await withClients { _, other, client in
            let (desk, signal) = (Desk(), DispatchSemaphore(value: 0))
            var options = DistributedLock.Options()
            options.fairness = fairness
            options.maximumHold = .seconds(1)
            let lock = try client.lock("/lock", options: options)
            let theirs = try other.lock("/lock")
            let first = try await theirs.acquire()
            let work = Task { try await desk.work(under: lock) }
            try await untilChildren(of: lock.path, other, count: 2)
            desk.stop(until: signal)
            await first.release()
            // Though nobody has noticed yet that it holds.
            await (try await theirs.acquire(timeout: .seconds(30))).release()
            signal.signal()
            await #expect(throws: LockError.self) { try await work.value }
            #expect(await desk.bodies == 0)
        }
    }

    @Test func theLongestHoldOfABatchCountsFromWhenItIsClaimed() async throws {
        try await withClients { _, other, client in
            let (desk, signal) = (Desk(), DispatchSemaphore(value: 0))
            var options = BatchClaim.Options()
            options.maximumHold = .seconds(1)
            let (jobs, theirs) = (try client.batchClaim("/jobs", options: options), try other.batchClaim("/jobs"))
            let work = Task { try await desk.claim(from: jobs, stoppingFor: signal) }
            // Claimed, though nobody has noticed yet, and given away.
            try await untilChildren(of: NodePath("/jobs/claims"), other, count: 1)
            try await untilChildren(of: NodePath("/jobs/claims"), other, count: 0)
            let batch = try await theirs.claim(["a"], upTo: 1)
            #expect(batch.items.map(\.attempt) == [2])
            signal.signal()
            await #expect(throws: LockError.self) { try await work.value }
            #expect(await desk.bodies == 0)
            #expect(batch.isHeld)
            await batch.release()
        }
    }
}
