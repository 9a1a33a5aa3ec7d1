import ZooKeeper

/// What zklock asks of its guardian. One message each, as text: both ends are the same build.
enum GuardianOrder: Hashable, Sendable {
    /// The lock is obtained: begin.
    case start(Start)
    /// The lease is valid until then; see ``BootTime``.
    case extend(Int64)
    /// To the group of the command.
    case signal(Int32)
    /// Go on, after a suspension.
    case resume
    /// The lock is lost: end everything.
    case stop

    struct Start: Hashable, Sendable {
        var path: String
        var node: String
        var token: String
        /// The end of the lease.
        var deadline: Int64
        /// From the request to end until the kill.
        var killAfter: Int64
        /// How long before the end of the lease everybody is to be dead.
        var margin: Int64
        /// The command is used by the person at the terminal.
        var takesTerminal: Bool
    }

    var text: String {
        switch self {
        case .start(let start):
            // None of these can have a line break: paths of ZooKeeper have no control characters.
            [
                "start", start.path, start.node, start.token, "\(start.deadline)", "\(start.killAfter)",
                "\(start.margin)", "\(start.takesTerminal)",
            ].joined(separator: "\n")
        case .extend(let deadline): "extend\n\(deadline)"
        case .signal(let number): "signal\n\(number)"
        case .resume: "resume"
        case .stop: "stop"
        }
    }

    init?(text: String) {
        let fields = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        switch (fields.first, fields.count) {
        case ("start", 8):
            guard let deadline = Int64(fields[4]), let killAfter = Int64(fields[5]), let margin = Int64(fields[6]),
                let takesTerminal = Bool(fields[7])
            else { return nil }
            self = .start(
                Start(
                    path: fields[1], node: fields[2], token: fields[3], deadline: deadline, killAfter: killAfter,
                    margin: margin, takesTerminal: takesTerminal))
        case ("extend", 2):
            guard let deadline = Int64(fields[1]) else { return nil }
            self = .extend(deadline)
        case ("signal", 2):
            guard let number = Int32(fields[1]) else { return nil }
            self = .signal(number)
        case ("resume", 1): self = .resume
        case ("stop", 1): self = .stop
        default: return nil
        }
    }
}

/// What the guardian tells.
enum GuardianReport: Hashable, Sendable {
    case started(pid: Int32)
    /// The command was not started: the lock was lost, or as good as lost, before that.
    case refused
    /// The command could not be started; `errno`.
    case failed(Int32)
    /// The command was suspended by that signal, and waits for ``GuardianOrder/resume``.
    case suspended(Int32)
    /// The request to end has been sent to everybody. `overdue`: because the lease was running out, not because of an order.
    case stopping(overdue: Bool)
    /// Everybody who was left is killed.
    case killing
    /// The last report. `status` as `waitpid` gives it. `stopped`: it was made to end. `left`: how many could not be killed.
    case ended(status: Int32, stopped: Bool, left: Int)

    var text: String {
        switch self {
        case .started(let pid): "started \(pid)"
        case .refused: "refused"
        case .failed(let code): "failed \(code)"
        case .suspended(let signal): "suspended \(signal)"
        case .stopping(let overdue): "stopping \(overdue)"
        case .killing: "killing"
        case .ended(let status, let stopped, let left): "ended \(status) \(stopped) \(left)"
        }
    }

    init?(text: String) {
        let fields = text.split(separator: " ").map(String.init)
        let number = fields.count > 1 ? Int32(fields[1]) : nil
        switch (fields.first, fields.count) {
        case ("started", 2): self = number.map { .started(pid: $0) } ?? .failed(0)
        case ("refused", 1): self = .refused
        case ("failed", 2): self = .failed(number ?? 0)
        case ("suspended", 2): self = .suspended(number ?? 0)
        case ("stopping", 2): self = .stopping(overdue: fields[1] == "true")
        case ("killing", 1): self = .killing
        case ("ended", 4):
            guard let number, let left = Int(fields[3]) else { return nil }
            self = .ended(status: number, stopped: fields[2] == "true", left: left)
        default: return nil
        }
    }
}
