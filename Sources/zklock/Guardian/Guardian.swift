import Glibc
import ZooKeeper

/// The process between zklock and the command: starts it, and sees to it that nothing of it outlives the lock.
///
///     zklock ── zk-guardian ── command ── …
///
/// Why a process of its own, and not the parent-death signal: that one reaches the command alone, not what the command started; it
/// is dropped by programs with privileges; and it follows the thread that forked, in a program with many. The guardian is the parent of everything
/// that runs under the lock, also of what has left the command's group or session (it is a *child subreaper*), and it
/// has a socket to zklock: whichever way zklock dies, the socket ends, and the guardian kills everybody. When the guardian is killed,
/// zklock inherits its children in the same way, and kills them.
///
/// It also has the end of the lease, told anew several times per session timeout, and acts by itself when that comes near: so a zklock
/// that is stopped, or starved, does not keep the command running either.
///
/// Not caught: processes of another user (by `sudo`), and what somebody else's daemon starts on request (`at`, `systemd-run`,
/// `docker`), which are nobody's descendants here. And somebody who kills zklock and its guardian within the same instant.
struct Guardian {
    /// Another name, so that whoever kills every zklock does not kill the guardians with them.
    private static let name = "zk-guardian"

    let socket: MessageSocket
    private let command: [[CChar]]
    private let terminal: ForegroundTerminal?
    private let originalMask: SignalMask
    /// Told to begin, but not before everything is heard that has been said since: whoever was stopped reads old news first.
    private var start: GuardianOrder.Start?
    /// For the command that is to begin.
    private var signals: [Int32] = []
    var child: pid_t?
    /// Its `waitpid` status, when it has ended.
    var status: Int32?
    var stop = StopPlan()
    /// The lock was lost while the command ran.
    var isLost = false
    private var hadTerminal = false

    /// - Parameters:
    ///   - job: the process group that the shell knows zklock by.
    ///   - command: the program and its arguments, as bytes.
    ///   - mask: the signals that the command is to have blocked.
    init(socket: MessageSocket, job: pid_t, command: [[CChar]], mask: SignalMask) {
        self.socket = socket
        self.command = command
        terminal = ForegroundTerminal(job: job)
        originalMask = mask
    }

    /// Runs to the end. Blocks; the process has no other thread.
    mutating func run() -> Never {
        ThisProcess.setName(Self.name)
        ThisProcess.setCommandLine(Self.name)
        // Nobody but zklock has a say. SIGTTOU is among these, which lets the guardian hand over the terminal.
        SignalMask.all.without(SIGCHLD).apply()
        SignalPipe.install(SIGCHLD)
        guard ThisProcess.becomeSubreaper() else { exit(125) }
        while true {
            let isTold = wait()
            _ = SignalPipe.read()
            // First: a command that has ended by itself did so before whatever is told now.
            reap()
            if let status, !stop.hasBegun { ended(status) }
            if isTold { listen() } else { beginIfTold() }
            stopWhenDue()
        }
    }

    /// Until something happens, or is due.
    ///
    /// - Returns: whether zklock has something to say.
    private func wait() -> Bool {
        var descriptors = [
            pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: SignalPipe.reader, events: Int16(POLLIN), revents: 0),
        ]
        let due = child == nil ? nil : stop.nextDue
        let milliseconds = due.map { max(0, ($0 - BootTime.now + 999_999) / 1_000_000) } ?? (start == nil ? -1 : 0)
        while true {
            let count = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
            // An interruption does not mean that there is nothing to be heard.
            if count < 0, errno == EINTR, start != nil { continue }
            return count > 0 && descriptors[0].revents != 0
        }
    }

    private mutating func listen() {
        guard let text = socket.receive() else { abandoned() }
        if let order = GuardianOrder(text: text) { carryOut(order) }
    }

    private mutating func carryOut(_ order: GuardianOrder) {
        switch order {
        case .start(let start):
            guard child == nil else { return }
            stop = StopPlan(deadline: start.deadline, killAfter: start.killAfter, margin: start.margin)
            self.start = start
        case .extend(let deadline):
            stop.deadline = deadline
        case .signal(let number):
            if start != nil {
                signals.append(number)
            } else if let child, status == nil {
                kill(-child, number)
            }
        case .resume:
            guard let child, status == nil, !stop.hasBegun else { return }
            if hadTerminal, let terminal, terminal.isWithJob { terminal.give(to: child) }
            kill(-child, SIGCONT)
        case .stop:
            // One that comes when the command has just ended by itself stops nothing any more.
            if start != nil { refuse() } else if child != nil { beginStop(overdue: false) }
        }
    }

    private mutating func beginIfTold() {
        guard let start else { return }
        // A command that would have to end at once is better not begun: it may be through before it is killed.
        guard BootTime.now < stop.stopDue else { return refuse() }
        self.start = nil
        begin(start)
        if let child { for number in signals { kill(-child, number) } }
        signals = []
    }

    private mutating func refuse() {
        (start, signals, stop) = (nil, [], StopPlan())
        tell(.refused)
    }

    private mutating func begin(_ start: GuardianOrder.Start) {
        setenv("ZKLOCK_PATH", start.path, 1)
        setenv("ZKLOCK_NODE", start.node, 1)
        setenv("ZKLOCK_TOKEN", start.token, 1)
        let foreground = start.takesTerminal && terminal?.isWithJob == true ? terminal?.descriptor : nil
        let process = ChildProcess(
            arguments: command, mask: originalMask, terminal: foreground)
        switch process.start() {
        case .success(let pid):
            child = pid
            tell(.started(pid: pid))
        case .failure(let error):
            // The terminal may have been given to the child that then failed.
            if let terminal, foreground != nil { terminal.give(to: terminal.job) }
            tell(.failed(error.code))
            exit(0)
        }
    }

    func tell(_ report: GuardianReport) {
        socket.send(report.text)
    }

    // MARK: Children

    /// Notices who has ended: the command, and those that have become children of this process.
    private mutating func reap() {
        while child != nil {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG | WUNTRACED)
            guard pid > 0 else { return }
            guard pid == child else { continue }
            if let signal = WaitStatus(status).suspendedBy { suspended(by: signal) } else { self.status = status }
        }
    }

    private mutating func suspended(by signal: Int32) {
        guard let child, !stop.hasBegun else { return }
        let isForeground = terminal?.group == child
        if let terminal, !isForeground, terminal.isWithJob, signal == SIGTTIN || signal == SIGTTOU {
            // It was not given the terminal, since others of the job may use it, but it needs it.
            terminal.give(to: child)
            kill(-child, SIGCONT)
            return
        }
        // Somebody else's business: it goes on by a SIGCONT of the same somebody, and holds the lock until then.
        if signal == SIGSTOP, !isForeground { return }
        guard terminal != nil else { return }
        hadTerminal = isForeground
        if isForeground { terminal?.takeBack(from: child) }
        tell(.suspended(signal))
    }

    /// What a command leaves behind that has ended by itself, it leaves on purpose. What is left of one that was killed would go on with its
    /// work when the next holder has begun.
    private mutating func ended(_ status: Int32) {
        guard WaitStatus(status).endedBy != nil, hasDescendants else {
            finish(status, left: 0)
            return
        }
        endAll()
    }

    /// The command is over. There may be another one, for another lease.
    mutating func finish(_ status: Int32, left: Int) {
        if let child { terminal?.takeBack(from: child) }
        if stop.hasBegun { terminal?.restoreModes() }
        tell(.ended(status: status, stopped: isLost, left: left))
        child = nil
        self.status = nil
        stop = StopPlan()
        isLost = false
        hadTerminal = false
    }
}

/// Reads what `waitpid` tells; the macros for it are not to be had in Swift.
struct WaitStatus {
    private let status: Int32

    init(_ status: Int32) {
        self.status = status
    }

    var suspendedBy: Int32? { status & 0xFF == 0x7F ? (status >> 8) & 0xFF : nil }
    var endedBy: Int32? { status & 0x7F != 0 && status & 0x7F != 0x7F ? status & 0x7F : nil }
    /// As shells have it.
    var exitCode: Int32 { endedBy.map { 128 + $0 } ?? (status >> 8) & 0xFF }
}
