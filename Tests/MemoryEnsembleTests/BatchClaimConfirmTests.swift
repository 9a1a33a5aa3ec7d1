import Locking
import TestSupport
import Testing

@testable import ZooKeeper
@testable import ZooKeeperLocks
@testable import ZooKeeperTestKit

/// A batch whose lease was nearly over when the last answer came, on servers that are too busy to extend it at once.
@Suite(.timeLimit(.minutes(5))) struct BatchClaimConfirmTests {
    /// Keeps the next transaction of several operations back for a time, and refuses what would extend the lease after it.
    private final class BusyTransport: Transport {
        struct Plan: Sendable {
            var delay: Duration?
            var refusals: [ZooKeeperError.Code] = []
        }

        let inner: MemoryTransport
        let plan: Shared

        final class Shared: Sendable {
            let plan = Locked(Plan())
        }

        init(_ inner: MemoryTransport, _ plan: Shared) {
            self.inner = inner
            self.plan = plan
        }

        var hasNoConnection: Bool { inner.hasNoConnection }

        func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {
            try inner.open(timeout: timeout, for: session)
        }

        func submit(_ request: Request, _ id: RequestID) -> Refusal? {
            guard case .commit(let operations) = request else { return inner.submit(request, id) }
            let (delay, refusal) = plan.plan.withLock { plan -> (Duration?, ZooKeeperError.Code?) in
                if operations.count == 1, plan.delay == nil, !plan.refusals.isEmpty {
                    return (nil, plan.refusals.removeFirst())
                }
                guard operations.count > 1 else { return (nil, nil) }
                defer { plan.delay = nil }
                return (plan.delay, nil)
            }
            if let refusal { return Refusal(code: refusal, mayBeExecuted: false) }
            guard let delay else { return inner.submit(request, id) }
            let inner = inner
            TimerThread.shared.schedule(at: .now + delay) { _ = inner.submit(request, id) }
            return nil
        }

        func close() { inner.close() }
    }

    @Test func whatPassesIsWaitedFor() async throws {
        let timeout = Duration.seconds(3)
        var model = EnsembleModel.Configuration()
        model.tick = 150
        let runtime = MemoryRuntime(model)
        let plan = BusyTransport.Shared()
        let client = try await ZooKeeperClient.connect(.quiet("memory:2181", sessionTimeout: timeout)) {
            BusyTransport(MemoryTransport(runtime, root: .root), plan)
        }
        let jobs = try client.batchClaim("/jobs")
        await (try await jobs.claim(["a"], upTo: 1)).release()
        let refusals: [ZooKeeperError.Code] = [.throttled, .sessionMoved, .notReadOnly, .connectionLost]
        plan.plan.withLock { $0 = BusyTransport.Plan(delay: timeout * 0.9, refusals: refusals) }
        let batch = try await jobs.claim(["a"], upTo: 1, timeout: .seconds(30))
        #expect(batch.isHeld)
        #expect(batch.items.map(\.attempt) == [1])
        // All were met with.
        #expect(plan.plan.withLock { $0.refusals } == [])
        await batch.release()
        #expect(try await jobs.entries().isEmpty)
        await client.close()
    }
}
