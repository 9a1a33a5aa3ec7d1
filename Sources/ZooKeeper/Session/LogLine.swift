import Locking
import Logging

/// One line of the C client's log, taken apart: `2026-01-31 12:00:00,000:71(0x7f…):ZOO_WARN@check_events@2576: Socket […] …`.
struct LogLine {
    var level: Logger.Level
    var message: String
    var metadata: Logger.Metadata

    init(_ text: String, suppressed: Int = 0) {
        metadata = [:]
        level = .info
        message = text
        let levels: [(mark: String, level: Logger.Level)] = [
            // What the C client calls an error (a refused connection, for one) it mends by itself.
            ("ZOO_ERROR@", .warning), ("ZOO_WARN@", .warning), ("ZOO_INFO@", .debug), ("ZOO_DEBUG@", .trace),
        ]
        for (mark, level) in levels {
            guard let found = text.firstRange(of: mark) else { continue }
            let parts = text[found.upperBound...].split(separator: ": ", maxSplits: 1)
            self.level = level
            if parts.count == 2 {
                metadata["c-function"] = "\(parts[0].prefix { $0 != "@" })"
                message = String(parts[1])
            }
            break
        }
        if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
    }
}

/// Lets through a burst of lines and then a few each second: a server that is away makes the C client log several lines for
/// each attempt, many times a second.
struct LogThrottle {
    static let burst = 10
    static let perSecond = 3

    private var tokens = Double(burst)
    private var last: ContinuousClock.Instant?
    private var suppressed = 0

    mutating func admits(at now: ContinuousClock.Instant) -> Bool {
        if let last { tokens = min(Double(Self.burst), tokens + (now - last) / .seconds(1) * Double(Self.perSecond)) }
        last = now
        guard tokens >= 1 else {
            suppressed += 1
            return false
        }
        tokens -= 1
        return true
    }

    /// How many lines were dropped since the last time.
    mutating func takeSuppressed() -> Int {
        defer { suppressed = 0 }
        return suppressed
    }
}

/// Where the C client's lines of one client go, through all its sessions.
final class LogOutlet: Sendable {
    let logger: Logger
    private let throttle = Locked(LogThrottle())

    init(_ logger: Logger) {
        self.logger = logger
    }

    func admits() -> Bool { throttle.withLock { $0.admits(at: .now) } }
    func takeSuppressed() -> Int { throttle.withLock { $0.takeSuppressed() } }
}
