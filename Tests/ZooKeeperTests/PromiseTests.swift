import Locking
import Testing

@testable import ZooKeeper

@Suite struct PromiseTests {
    @Test func everybodyGetsTheFirstValue() async {
        let promise = Promise<Int>()
        async let first = promise.value()
        async let second = promise.valueUnlessCancelled()
        #expect(promise.resolve(1))
        #expect(!promise.resolve(2))
        #expect(await first == 1)
        #expect(await second == 1)
        #expect(await promise.value() == 1)
        #expect(promise.current == 1)
    }

    @Test func cancellationAndResolutionRaceOverAndOver() async {
        for _ in 0..<2000 {
            let promise = Promise<Int>()
            let waiter = Task { await promise.valueUnlessCancelled() }
            let resolver = Task { promise.resolve(1) }
            waiter.cancel()
            _ = await resolver.value
            let value = await waiter.value
            #expect(value == nil || value == 1)
        }
    }

    @Test func aCancelledTaskGetsNothing() async {
        let promise = Promise<Int>()
        let waiter = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await promise.valueUnlessCancelled()
        }
        #expect(await waiter.value == nil)
    }
}

@Suite struct TimerThreadTests {
    @Test func timersFireInOrderAndCancelledOnesDoNot() async {
        let promise = Promise<[Int]>()
        let fired = Locked<[Int]>([])
        let start = ContinuousClock.now
        let cancelled = TimerThread.shared.schedule(at: start + .milliseconds(20)) { fired.withLock { $0.append(99) } }
        TimerThread.shared.schedule(at: start + .milliseconds(60)) { promise.resolve(fired.withLock { $0 }) }
        TimerThread.shared.schedule(at: start + .milliseconds(30)) { fired.withLock { $0.append(2) } }
        TimerThread.shared.schedule(at: start - .seconds(1)) { fired.withLock { $0.append(1) } }
        TimerThread.shared.cancel(cancelled)
        #expect(await promise.value() == [1, 2])
        #expect(ContinuousClock.now - start >= .milliseconds(60))
    }
}
