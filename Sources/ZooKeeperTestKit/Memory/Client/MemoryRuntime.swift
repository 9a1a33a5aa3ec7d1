import Dispatch
import Locking
internal import ZooKeeper

/// Runs an ensemble in memory in real time: one thing after the other, on a queue of its own.
///
/// The state changes under the lock, and sessions are told afterwards, on the queue: they may submit again from there.
final class MemoryRuntime: Sendable {
    private let queue = DispatchQueue(label: "zk-memory")
    private let state: Locked<MemoryState>
    private let lastNumber = Locked(0)
    private let start = ContinuousClock.now

    init(_ configuration: EnsembleModel.Configuration) {
        state = Locked(MemoryState(EnsembleModel(configuration)))
        queue.async { [weak self] in self?.run { _ in } }
        arm()
    }

    func reserveNumber() -> Int {
        lastNumber.withLock { number in
            number += 1
            return number
        }
    }

    /// Runs `body` later, after everything that was scheduled before.
    func schedule(_ body: @escaping @Sendable (inout MemoryState) -> Void) {
        queue.async { self.run(body) }
    }

    /// Runs `body` and waits for it. Not for the queue itself.
    func perform(_ body: @escaping @Sendable (inout MemoryState) -> Void) {
        queue.sync { run(body) }
    }

    /// Runs `body` later, and gives what it returns when the sessions have been told what came of it.
    func value<R: Sendable>(_ body: @escaping @Sendable (inout MemoryState) -> R) async -> R {
        let (result, isTold) = (Promise<R>(), Promise<Void>())
        queue.async {
            self.run { result.resolve(body(&$0)) }
            isTold.resolve(())
        }
        await isTold.value()
        return await result.value()
    }

    private func run(_ body: @Sendable (inout MemoryState) -> Void) {
        let elapsed = (ContinuousClock.now - start).milliseconds
        let news = state.withLock { state in
            state.pass(until: elapsed)
            body(&state)
            state.settle()
            return state.takeNews()
        }
        for (session, news) in news {
            switch news {
            case .link(let change): session.linkChanged(change)
            case .answer(let id, let result): session.complete(id, result)
            case .event(let id, let event): session.fired(id, event)
            }
        }
        // A connection that was lost is made again when the session has heard of the loss.
        let isWanted = state.withLock { $0.wantsConnections }
        if isWanted { schedule { $0.connectAll() } }
    }

    /// Wakes the ensemble when something is due there, for as long as anybody has it.
    private func arm() {
        let due = state.withLock { $0.nextDue }
        TimerThread.shared.schedule(at: start + .milliseconds(due)) { [weak self] in
            self?.schedule { _ in }
            self?.queue.async { [weak self] in self?.arm() }
        }
    }
}
