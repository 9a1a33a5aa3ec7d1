import Glibc

/// When to ask everybody to end, and when to kill them. Instants of ``BootTime``.
struct StopPlan: Hashable, Sendable {
    /// The end of the lease.
    var deadline: Int64 = .max
    var killAfter: Int64 = 0
    /// How long before the end of the lease everybody is to be dead.
    var margin: Int64 = 0
    private(set) var killDue: Int64?
    var isKilling = false

    init() {}

    init(deadline: Int64, killAfter: Int64, margin: Int64) {
        self.deadline = deadline
        self.killAfter = killAfter
        self.margin = margin
    }

    var hasBegun: Bool { killDue != nil }

    /// Asked to end so early that the kill comes before the end of the lease.
    var stopDue: Int64 { deadline - margin - killAfter }

    /// When there is something to do, if nothing happens before.
    var nextDue: Int64? {
        guard let killDue else { return deadline == .max ? nil : stopDue }
        // Who is born while others are killed is killed in the next round.
        return isKilling ? BootTime.now + 10_000_000 : killDue
    }

    mutating func begin(at now: Int64) {
        guard killDue == nil else { return }
        killDue = deadline == .max ? now + killAfter : min(now + killAfter, deadline - margin)
    }
}

extension Guardian {
    /// How long to try on those that cannot be killed.
    private static var patience: Int64 { 3_000_000_000 }

    mutating func stopWhenDue() {
        guard child != nil else { return }
        let now = BootTime.now
        if !isLost, now >= stop.stopDue { beginStop(overdue: true) }
        guard let killDue = stop.killDue else { return }
        finishIfAllGone()
        guard child != nil, now >= killDue else { return }
        if !stop.isKilling {
            stop.isKilling = true
            tell(.killing)
        }
        killAll()
        if now >= killDue + Self.patience { giveUp() }
    }

    mutating func beginStop(overdue: Bool) {
        guard !isLost else { return }
        isLost = true
        if !stop.hasBegun { endAll() }
        tell(.stopping(overdue: overdue))
    }

    /// Asks everybody to end; the kill comes when it is due.
    mutating func endAll() {
        guard let child else { return }
        stop.begin(at: BootTime.now)
        // The group at once, so that it is one signal for all of them, as from a terminal; then those that have left it.
        if status == nil {
            kill(-child, SIGTERM)
            // Whoever is suspended would not notice.
            kill(-child, SIGCONT)
        }
        for entry in ProcessTree.current().descendants(of: getpid()) where entry.group != child || status != nil {
            kill(entry.pid, SIGTERM)
            kill(entry.pid, SIGCONT)
        }
    }

    /// zklock is gone: nobody keeps the lock.
    mutating func abandoned() -> Never {
        guard child != nil else { exit(0) }
        let end = BootTime.now + Self.patience
        while BootTime.now < end {
            killAll()
            reapAll()
            if waitpid(-1, nil, WNOHANG) < 0, errno == ECHILD { break }
            usleep(2000)
        }
        finish(status ?? 0, left: 0)
        exit(0)
    }

    private func killAll() {
        if let child, status == nil { kill(-child, SIGKILL) }
        ProcessTree.signalDescendants(SIGKILL)
    }

    private mutating func reapAll() {
        var status: Int32 = 0
        while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
            if pid == child { self.status = status }
        }
    }

    private mutating func finishIfAllGone() {
        reapAll()
        if !hasDescendants { finish(status ?? 0, left: 0) }
    }

    /// Whoever loses its parent becomes a child of this process, so no children means that nobody is left at all.
    var hasDescendants: Bool {
        var information = siginfo_t()
        return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD
    }

    private mutating func giveUp() {
        finish(status ?? 0, left: ProcessTree.current().descendants(of: getpid()).count)
    }
}
