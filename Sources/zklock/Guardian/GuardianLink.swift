import Glibc
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
        var isOver = false
    }

    /// Starts the guardian, which starts the command later: the start of a program takes longer than a free lock.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments, as bytes.
    ///   - mask: the signals that the command is to have blocked.
    ///   - onReport: called on a thread of its own; with `nil` when the guardian is gone.
    /// - Throws: ``ZklockError`` when there are no processes or descriptors to be had.
    init(
        command: [[CChar]], mask: SignalMask, onReport: @escaping @Sendable (GuardianReport?) -> Void
    ) throws(ZklockError) {
        // So that the guardian's children come here if it dies.
        guard ThisProcess.becomeSubreaper(), let (own, guardians) = MessageSocket.pair() else {
            throw ZklockError("cannot make a guardian for the command: \(String(cString: strerror(errno)))")
        }
        let process = ChildProcess(
            arguments: Guardian.arguments(socket: guardians.descriptor, job: getpgrp()) + command,
            // This program, even when its file was moved or built anew meanwhile.
            file: Array("/proc/self/exe".utf8CString), mask: mask, terminal: nil, inherited: guardians.descriptor)
        let result = process.start()
        guardians.close()
        guard case .success(let pid) = result else {
            own.close()
            throw ZklockError("cannot start a guardian for the command")
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
        extendLater(period)
    }

    /// There is nothing left to guard.
    func end() {
        state.withLock { state in
            state.isOver = true
            state.lease = nil
        }
    }

    /// On the timer thread, apart from Swift's pool: there nothing else can hold it up.
    private func extendLater(_ period: Duration) {
        TimerThread.shared.schedule(at: .now + period) { [self] in
            let deadline = state.withLock { state -> Int64? in
                guard let lease = state.lease, !state.isOver else { return nil }
                let deadline = BootTime.nanoseconds(lease.validUntil)
                // Two readings of the clock differ a little even if the lease does not.
                guard abs(deadline - state.lastDeadline) > 100_000 else { return 0 }
                state.lastDeadline = deadline
                return deadline
            }
            guard let deadline else { return }
            if deadline != 0 { send(.extend(deadline)) }
            extendLater(period)
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
