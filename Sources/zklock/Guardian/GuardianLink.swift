import Glibc
import Locking
import ZooKeeper
import ZooKeeperLocks

/// zklock's end of the guardian.
final class GuardianLink: Sendable {
    let pid: pid_t
    private let socket: MessageSocket
    private let state = Locked(State())

    private struct State {
        var lease: Lease?
        var lastDeadline: Int64 = 0
    }

    /// Makes the guardian, a copy of this process, which starts the command later. A copy is there at once, where a program that is started
    /// takes longer than a free lock. So this comes before anything that makes threads.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments, as bytes.
    ///   - mask: the signals that the command is to have blocked.
    ///   - onReport: called on a thread of its own; with `nil` when the guardian is gone.
    /// - Throws: ``ZklockError`` when there are no processes or descriptors to be had.
    init(
        command: [[CChar]], mask: SignalMask, onReport: @escaping @Sendable (GuardianReport?) -> Void
    ) throws(ZklockError) {
        func failure() -> ZklockError {
            ZklockError("cannot make a guardian for the command: \(String(cString: strerror(errno)))")
        }
        // So that the guardian's children come here if it dies.
        guard ThisProcess.becomeSubreaper(), let (own, guardians) = MessageSocket.pair() else { throw failure() }
        let job = getpgrp()
        // A Ctrl-C for the job is no longer the guardian's once it has left the group.
        let before = SignalMask.current
        SignalMask.all.apply()
        let pid = ThisProcess.fork()
        if pid == 0 {
            own.close()
            setpgid(0, 0)
            var guardian = Guardian(socket: guardians, job: job, command: command, mask: mask)
            guardian.run()
        }
        before.apply()
        guardians.close()
        guard pid > 0 else {
            own.close()
            throw failure()
        }
        self.pid = pid
        socket = own
        DetachedThread.start("zk-reports") {
            while let text = own.receive() {
                if let report = GuardianReport(text: text) { onReport(report) }
            }
            onReport(nil)
            // It is no more, or about to be.
            waitpid(pid, nil, 0)
        }
    }

    func send(_ order: GuardianOrder) {
        socket.send(order.text)
    }

    /// Begins, and tells the guardian from then on how long the lease is valid.
    ///
    /// - Parameter period: how often.
    func start(_ start: GuardianOrder.Start, with lease: Lease, every period: Duration) {
        state.withLock { state in
            state.lease = lease
            state.lastDeadline = start.deadline
        }
        send(.start(start))
        extendLater(lease, period)
    }

    /// There is nothing left to guard, for now.
    func end() {
        state.withLock { $0.lease = nil }
    }

    /// On the timer thread, apart from Swift's pool: there nothing else can hold it up.
    private func extendLater(_ lease: Lease, _ period: Duration) {
        TimerThread.shared.schedule(at: .now + period) { [self] in
            let deadline = state.withLock { state -> Int64? in
                guard state.lease === lease else { return nil }
                let deadline = BootTime.nanoseconds(lease.validUntil)
                // Two readings of the clock differ a little even if the lease does not.
                guard abs(deadline - state.lastDeadline) > 100_000 else { return 0 }
                state.lastDeadline = deadline
                return deadline
            }
            guard let deadline else { return }
            if deadline != 0 { send(.extend(deadline)) }
            extendLater(lease, period)
        }
    }
}

/// What went wrong in zklock itself.
struct ZklockError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
