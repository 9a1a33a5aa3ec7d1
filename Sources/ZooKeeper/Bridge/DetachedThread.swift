internal import CZooKeeper
import Glibc

/// A thread of its own for work that blocks: closing a C handle, resolving host names, waiting for timers.
///
/// Such work must not sit on Swift's cooperative pool, whose few threads may all be busy, nor on a thread of the C client.
package enum DetachedThread {
    private final class Job {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread.
    ///
    /// - Parameter name: shown by `ps -L` and debuggers; the kernel keeps 15 bytes of it.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let job = Unmanaged.passRetained(Job(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
                czk_name_thread(job.name)
                job.body()
                return nil
            }, job.toOpaque())
        guard status != 0 else { return }
        // The process is out of threads. The work must be done all the same; blocking the caller is the lesser evil.
        job.release()
        body()
    }
}
