import Dispatch
import Synchronization

/// What a thread waits for that Swift's own threads are at work on.
final class Awaited<Value: Sendable>: Sendable {
    private let result = Mutex<Value?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    func value(of work: @escaping @Sendable () async -> Value) -> Value {
        Task.detached { [self] in
            let value = await work()
            result.withLock { $0 = value }
            isThere.signal()
        }
        while true {
            isThere.wait()
            if let value = result.withLock({ $0 }) { return value }
        }
    }
}
