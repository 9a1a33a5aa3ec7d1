import Locking
import ZooKeeper

/// The body of one `withLock` of a reentrant lock, while it runs: what a `withLock` of the same lock inside it may join.
///
/// Scopes are a tree. The outermost one has the lease; each other one has joined the one around it. A scope lets in *one* scope at a time, in
/// the order in which they ask: so the tasks that a body starts (`async let`, a group, `Task { }`), which all inherit what the body
/// has, exclude each other, and a chain of calls does not wait for itself. The body itself goes on while a task of its own has joined; it is the
/// one that holds, and has let that task in.
///
/// A scope that ends lets nobody in any more, and waits for the one that is in. Whoever waited for its turn until then asks the scope around, or
/// queues like everybody else.
final class ReentrantScope: Sendable {
    /// Which lock, of which client: only leases of that very client, and so of its session, are joined.
    struct Key: Hashable, Sendable {
        private let client: ObjectIdentifier
        private let path: NodePath

        init(_ lock: DistributedLock) {
            client = ObjectIdentifier(lock.client)
            path = lock.path
        }
    }

    /// What came of asking to be let in.
    enum Admission: Sendable {
        case admitted
        /// The scope has ended.
        case ended
        case timedOut(ahead: Int)
        case cancelled
    }

    private struct State {
        /// `nil` when the scope has ended.
        var lease: Lease?
        var isOccupied = false
        var waiting: [(ticket: Int, turn: Promise<Admission>)] = []
        var nextTicket = 0
    }

    /// The scopes around the running code, the innermost one of each lock.
    @TaskLocal static var around: [Key: ReentrantScope] = [:]

    private let key: Key
    /// The one that this one has joined.
    let outer: ReentrantScope?
    private let state: Locked<State>
    /// Resolved when it has ended and nobody is in.
    private let isVacant = Promise<Void>()

    init(_ lease: Lease, of lock: DistributedLock, in outer: ReentrantScope?) {
        key = Key(lock)
        self.outer = outer
        state = Locked(State(lease: lease))
    }

    /// The lease that this scope shares: until it ends, or the lock is released by hand.
    var lease: Lease? {
        let lease = state.withLock { $0.lease }
        return lease?.isGivenBack == false ? lease : nil
    }

    /// Starts a body with that scope around it, too.
    static func start(
        in scope: ReentrantScope?, _ start: () -> Task<Void, any Error>
    ) -> Task<Void, any Error> {
        guard let scope else { return start() }
        // Those that have ended are of no more use, and a task that was started in one may live for long.
        var scopes = around.filter { $0.value.nearestOpen != nil }
        scopes[scope.key] = scope
        return $around.withValue(scopes, operation: start)
    }

    /// This scope, or the nearest one around it that has not ended.
    var nearestOpen: ReentrantScope? {
        var scope: ReentrantScope? = self
        while let current = scope, current.lease == nil { scope = current.outer }
        return scope
    }

    // MARK: Coming in

    /// Waits until nobody else is in.
    ///
    /// - Parameter deadline: if that has passed, it is now or not at all; `nil`: however long it takes.
    func enter(until deadline: ContinuousClock.Instant?) async -> Admission {
        let mayWait = deadline.map { $0 > .now } ?? true
        let entry = state.withLock { state -> Result<(ticket: Int, turn: Promise<Admission>), Refused> in
            if state.lease == nil { return .failure(Refused(admission: .ended)) }
            guard state.isOccupied else {
                state.isOccupied = true
                return .failure(Refused(admission: .admitted))
            }
            guard mayWait else { return .failure(Refused(admission: .timedOut(ahead: state.waiting.count + 1))) }
            let entry = (ticket: state.nextTicket, turn: Promise<Admission>())
            state.nextTicket += 1
            state.waiting.append(entry)
            return .success(entry)
        }
        switch entry {
        case .failure(let decided): return decided.admission
        case .success(let entry): return await wait(entry.ticket, entry.turn, until: deadline)
        }
    }

    private struct Refused: Error { var admission: Admission }

    private func wait(
        _ ticket: Int, _ turn: Promise<Admission>, until deadline: ContinuousClock.Instant?
    ) async -> Admission {
        let timer = deadline.map { deadline in
            TimerThread.shared.schedule(at: deadline) { [self] in
                withdraw(ticket) { .timedOut(ahead: $0 + 1) }
            }
        }
        defer { if let timer { TimerThread.shared.cancel(timer) } }
        return await withTaskCancellationHandler {
            await turn.value()
        } onCancel: {
            withdraw(ticket) { _ in .cancelled }
        }
    }

    private func withdraw(_ ticket: Int, _ admission: (_ ahead: Int) -> Admission) {
        let withdrawn = state.withLock { state -> (turn: Promise<Admission>, ahead: Int)? in
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return (state.waiting.remove(at: index).turn, index)
        }
        // Whoever was let in before is in.
        if let withdrawn { withdrawn.turn.resolve(admission(withdrawn.ahead)) }
    }

    /// The scope that was let in has ended.
    func leave() {
        let (next, isVacant) = state.withLock { state -> (Promise<Admission>?, Bool) in
            guard !state.waiting.isEmpty else {
                state.isOccupied = false
                return (nil, state.lease == nil)
            }
            return (state.waiting.removeFirst().turn, false)
        }
        next?.resolve(.admitted)
        if isVacant { self.isVacant.resolve(()) }
    }

    // MARK: The end

    /// Lets nobody in any more, and waits for the one that is in; not cut short by cancellation.
    func end() async {
        let (waiting, isOccupied) = state.withLock { state in
            state.lease = nil
            defer { state.waiting = [] }
            return (state.waiting, state.isOccupied)
        }
        for entry in waiting { entry.turn.resolve(.ended) }
        if isOccupied { await isVacant.value() }
    }
}
