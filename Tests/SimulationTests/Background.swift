import Dispatch
import FoundationEssentials
import Glibc
import Locking
import ZooKeeper

/// Threads of their own for what computes for long.
///
/// The pool that tasks run on has a thread for each core. Whoever computes there makes everybody else late, such as the tests of other
/// targets that run at the same time and watch a clock.
enum Background {
    /// In a debug build this is one test among many; in a release build it is alone.
    static let threads = Budget.isFull ? ProcessInfo.processInfo.activeProcessorCount : 1

    /// Computes on a thread that gives way to all others.
    static func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            DetachedThread.start("simulation") {
                // On Linux that of this thread, and of those that it starts.
                setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
                continuation.resume(returning: work())
            }
        }
    }

    /// Computes all parts at the same time, each on a thread, and returns the results in the order of the parts. Blocks: for use inside
    /// ``run(_:)``.
    static func map<Part: Sendable, Result: Sendable>(
        _ parts: [Part], _ work: @escaping @Sendable (Part) -> Result
    ) -> [Result] {
        guard parts.count > 1 else { return parts.map(work) }
        let desk = Desk<Part, Result>(parts)
        let group = DispatchGroup()
        for index in parts.indices {
            group.enter()
            DetachedThread.start("simulation") {
                desk.work(at: index, work)
                group.leave()
            }
        }
        group.wait()
        return desk.results
    }

    /// Where parts are taken from, so that nobody holds them when they are done, and results are put.
    private final class Desk<Part: Sendable, Result: Sendable>: Sendable {
        private let parts: Locked<[Part?]>
        private let done: Locked<[Int: Result]>

        init(_ parts: [Part]) {
            self.parts = Locked(parts)
            done = Locked([:])
        }

        func work(at index: Int, _ work: (Part) -> Result) {
            let part = parts.withLock { $0[index].take() }
            guard let part else { return }
            let result = work(part)
            done.withLock { $0[index] = result }
        }

        var results: [Result] { done.withLock { done in done.keys.sorted().compactMap { done[$0] } } }
    }
}
