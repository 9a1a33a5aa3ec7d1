import ZooKeeper
import ZooKeeperLocks

/// Takes the lock again and again, and tells what happens.
struct Worker: Codable, Sendable {
    var number: Int
    var rounds: Int
    var hold: Duration
    /// How long it waits for one turn before it takes the run for stuck.
    var patience: Duration
    /// The round in which it keeps the lock until it is killed.
    var crashRound: Int?
    /// The round in which it keeps the lock until its lease is over.
    var cutOffRound: Int?

    /// Runs all rounds; ends early when the task is cancelled, with the lock released and no place in the queue.
    func run(_ lock: DistributedLock, report: @escaping @Sendable (Event) -> Void) async {
        for round in 1...rounds {
            do {
                try await turn(round, lock, report)
            } catch .cancelled {
                return
            } catch {
                report(Event(worker: number, round: round, instant: .now, kind: .failed("\(error)")))
                return
            }
            if Task.isCancelled { return }
        }
    }

    private func turn(
        _ round: Int,
        _ lock: DistributedLock,
        _ report: @escaping @Sendable (Event) -> Void
    ) async throws(LockError) {
        let asked = ContinuousClock.now
        let lease = try await lock.acquire(timeout: patience) { position in
            let place = Place(node: position.node.string, token: position.fencingToken.rawValue)
            report(Event(worker: number, round: round, instant: .now, kind: .queued(place, ahead: position.ahead)))
        }
        let acquired = ContinuousClock.now
        let place = Place(node: lease.node.string, token: lease.fencingToken.rawValue)
        report(Event(worker: number, round: round, instant: acquired, kind: .acquired(place, waited: acquired - asked)))

        if round == cutOffRound { await workUntilOver(lease) } else { await work(isLast: round == crashRound) }

        let isHeld = lease.isHeld
        let ended = ContinuousClock.now
        let held = ended - acquired
        let kind: Event.Kind =
            switch (isHeld, round == cutOffRound) {
            case (true, _): .released(place, held: held)
            case (false, true): .cancelled(place, held: held)
            case (false, false): .lost(place, held: held)
            }
        report(Event(worker: number, round: round, instant: ended, kind: kind))
        await lease.release()
    }

    /// Goes on until the lease is over, as the body of a `withLock` does that has no end of its own.
    private func workUntilOver(_ lease: Lease) async {
        await withTaskGroup { group in
            group.addTask {
                for await event in lease.events {
                    if case .lost = event { return }
                }
            }
            // If nothing is ever cut off, the run is to go on all the same.
            group.addTask { try? await Task.sleep(for: hold + Partition.patience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Takes as long as the lock is to be held, or until the task is cancelled.
    private func work(isLast: Bool) async {
        // The kill comes long before the day is over.
        let duration = isLast ? .seconds(86_400) : hold
        if duration > .zero { try? await Task.sleep(for: duration) }
    }
}
