import Glibc
import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// What a run says on standard error.
struct RunVoice {
    let level: RunPlan.Voice
    /// A line that is written over, while somebody waits in front of a terminal.
    let isLive: Bool
    private var hasLine = false

    init(_ level: RunPlan.Voice) {
        self.level = level
        isLive = level != .silent && isatty(STDERR_FILENO) == 1 && !["", "dumb"].contains(Environment["TERM"] ?? "")
    }

    mutating func error(_ text: String) {
        guard level != .silent else { return }
        clear()
        Zklock.complain(text)
    }

    mutating func detail(_ text: @autoclosure () -> String) {
        guard level == .verbose else { return }
        clear()
        Zklock.complain(text())
    }

    /// Who waits sees where.
    mutating func wait(_ queue: QueueSnapshot, own: NodePath?, since start: ContinuousClock.Instant) {
        guard isLive else { return }
        var line = WaitingLine.text(queue, own: own, waited: .now - start)
        var window = winsize()
        let columns =
            ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0 ? Int(window.ws_col) : 80
        // A line that wraps could not be written over.
        line = String(line.prefix(columns - 1))
        Terminal.write("\r\u{1b}[K\(line)", to: STDERR_FILENO)
        hasLine = true
    }

    mutating func clear() {
        guard hasLine else { return }
        Terminal.write("\r\u{1b}[K", to: STDERR_FILENO)
        hasLine = false
    }
}

enum WaitingLine {
    static func text(_ queue: QueueSnapshot, own: NodePath?, waited: Duration) -> String {
        let ahead = own.flatMap(queue.ahead) ?? queue.entries.count
        let holder = queue.holder.map { ", held by \($0)" } ?? ""
        return "zklock: \(queue.path): \(ahead) ahead\(holder), waiting for \(waited.brief)"
    }
}
