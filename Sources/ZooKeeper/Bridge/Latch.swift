internal import CZooKeeper
import Glibc

/// Lets one thread wait for another, for a limited time. For threads that may block; tasks have ``Promise``.
///
/// `@unchecked Sendable`: a semaphore of POSIX is made to be used by several threads.
final class Latch: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() {
        sem_post(semaphore)
    }

    /// Returns when the latch is opened, or when the time is over.
    func wait(atMost limit: Duration) {
        var due = timespec()
        clock_gettime(CLOCK_MONOTONIC, &due)
        let nanoseconds = due.tv_nsec + Int(limit.milliseconds % 1000) * 1_000_000
        due.tv_sec += Int(limit.milliseconds / 1000) + nanoseconds / 1_000_000_000
        due.tv_nsec = nanoseconds % 1_000_000_000
        while sem_clockwait(semaphore, CLOCK_MONOTONIC, &due) != 0 && errno == EINTR {}
    }
}
