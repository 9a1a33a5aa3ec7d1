import Locking
import ZooKeeper

/// What a contender has to do with its session, and what it needs from the grant on.
extension Contender {
    /// One entry into the queue, in one session.
    ///
    /// Those who have something to tell the contender hold on to this, and to nothing else: closures that do, for observer, watches and ear, need
    /// no room of their own, and thousands may wait. They do so until the end, when the contender gives up what it asked for.
    final class Visit: Sendable {
        let contender: Contender
        let entry: Int

        init(_ contender: Contender, entry: Int) {
            (self.contender, self.entry) = (contender, entry)
        }
    }

    /// What they need who do not just wait: who hold, are about to, or depart. Thousands may wait.
    final class Holding {
        /// What the session keeps alive for the machine; see ``QueueMachine/stake``.
        var stake: Stake?
        /// By which it holds.
        var own: QueueMachine.Own?
        var grantedAt: ContinuousClock.Instant?
        var listeners = LeaseListeners()
        var lossHandlers: [Int: @Sendable (LossReason) -> Void] = [:]
        var nextLossHandler = 0
        var loss: LossReason?
        /// The last one that was told.
        var revocation: RevocationRequest?
        var timers: [TimerThread.ID] = []
        var downgrade: Promise<Result<Void, RequestFailure>>?
        /// Granted, or why not.
        var outcome: Outcome?
        /// Whoever waited for its turn, when there is an outcome.
        var settled: UnsafeContinuation<Void, Never>?
        /// The same of a process whose tasks take turns; see ``Contender/whenAtRest(_:)``.
        var afterwards: [@Sendable () -> Void] = []
        var releases: [UnsafeContinuation<Void, Never>] = []
        /// Whoever releases need not wait any longer.
        var isReleaseOver = false

        /// Whoever has to go on now.
        func takeSettled() -> UnsafeContinuation<Void, Never>? {
            defer { settled = nil }
            return settled
        }
    }

    struct Stake {
        var id: Session.StakeID
        var session: Session
        var stake: QueueMachine.Stake
    }

    struct Ear {
        var id: Announcements.ListenerID
        var session: Session
    }
}
