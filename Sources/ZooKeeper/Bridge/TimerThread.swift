internal import CZooKeeper
import Glibc
import Locking

/// One thread for the deadlines of the whole process, apart from Swift's cooperative pool: with that pool busy, a task's
/// timer of 100 ms was measured to fire after 3.1 s, too late for a lock.
///
/// The clock is the one of `ContinuousClock` (`CLOCK_BOOTTIME`), so time asleep counts. Bodies run on the thread itself;
/// they must not block.
package final class TimerThread: Sendable {
    package struct ID: Hashable, Sendable { fileprivate let key: TimerHeap<@Sendable () -> Void>.Key }

    package static let shared = TimerThread()

    private struct State {
        var timers = TimerHeap<@Sendable () -> Void>()
        var armed: Uptime?
    }

    /// The kernel's timer is set to no more than this, a year or so; one that is due later is set again then. (A `Duration` may
    /// be longer than its `components` can say.)
    private static let longestSleep = Duration.seconds(1 << 25)

    private let state = Locked(State())
    private let descriptor: Int32

    private init() {
        descriptor = timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC))
        DetachedThread.start("zk-timer") { [self] in run() }
    }

    /// Runs `body` on the timer thread at `due`, or at once if that has passed.
    @discardableResult
    package func schedule(at due: ContinuousClock.Instant, _ body: @escaping @Sendable () -> Void) -> ID {
        let due = Uptime(due)
        return state.withLock { state in
            let key = state.timers.insert(body, due: due)
            if state.armed.map({ due < $0 }) ?? true { arm(due, &state) }
            return ID(key: key)
        }
    }

    /// After this the body does not start; it may be running already.
    package func cancel(_ id: ID) {
        // Outside the lock the closure may be the last owner of something whose deinit schedules again.
        let body = state.withLock { $0.timers.remove(id.key) }
        _ = body
    }

    private func arm(_ due: Uptime, _ state: inout State) {
        state.armed = due
        let (seconds, attoseconds) = min(max(.nanoseconds(1), due - .now), Self.longestSleep).components
        // All zero would switch the timer off.
        var specification = itimerspec()
        specification.it_value = timespec(tv_sec: Int(seconds), tv_nsec: max(1, Int(attoseconds / 1_000_000_000)))
        timerfd_settime(descriptor, 0, &specification, nil)
    }

    private func run() {
        while true {
            var expirations: UInt64 = 0
            _ = read(descriptor, &expirations, MemoryLayout<UInt64>.size)
            fireDue()
        }
    }

    private func fireDue() {
        while true {
            let body = state.withLock { state -> (@Sendable () -> Void)? in
                if let body = state.timers.popDue(at: .now) { return body }
                state.armed = nil
                if let next = state.timers.earliest { arm(next, &state) }
                return nil
            }
            guard let body else { return }
            body()
        }
    }
}
