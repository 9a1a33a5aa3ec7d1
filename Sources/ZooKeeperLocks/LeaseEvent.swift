/// What happens to a lease while it is held; see ``Lease/events``.
public enum LeaseEvent: Hashable, Sendable {
    /// The connection is lost. The lease is held until ``Lease/validUntil`` all the same.
    case suspended
    /// There is a connection again, and the session and the lease with it.
    case restored
    /// The lease is over. The last event.
    case lost(LossReason)
    /// The longest time that the lock may be held is nearly over: ``DistributedLock/Options/maximumHold``.
    case holdEnds(ContinuousClock.Instant)
    /// Somebody asks for the lock: ``DistributedLock/revoke(token:reason:)``. It is held until it is released all the same. A request that is
    /// older than the stream comes first in it.
    case revocationRequested(RevocationRequest)
}

typealias LeaseListeners = Listeners<LeaseEvent>

/// Who is told of events.
struct Listeners<Event: Sendable>: Sendable {
    private var continuations: [Int: AsyncStream<Event>.Continuation] = [:]
    private var next = 0

    mutating func add(_ continuation: AsyncStream<Event>.Continuation) -> Int {
        next += 1
        continuations[next] = continuation
        return next
    }

    mutating func remove(_ key: Int) { continuations[key] = nil }

    func tell(_ event: Event) {
        for continuation in continuations.values { continuation.yield(event) }
    }

    func finish() {
        for continuation in continuations.values { continuation.finish() }
    }
}
