internal import CZooKeeper
import Locking
import Logging

/// Brings the C client's log lines to the logger of the client that they belong to.
///
/// The C client's log callback gets a line and nothing that says whose it is. So there are several callbacks, and each handle
/// is given one of its own as long as they last; later handles share the last one. The callbacks run on the C client's threads,
/// under its locks: they copy the line and leave; a thread of this library calls the loggers.
final class LogRouter: Sendable {
    struct Slot: Sendable {
        let index: Int
        let callback: log_callback_fn
    }

    static let shared = LogRouter()

    private struct State {
        var loggers: [(outlet: LogOutlet, users: Int)?] = Array(repeating: nil, count: callbacks.count)
        var queue: [(slot: Int, line: String)] = []
        var isDraining = false
    }

    private static let callbacks: [log_callback_fn] = [
        { shared.receive(0, $0) }, { shared.receive(1, $0) }, { shared.receive(2, $0) }, { shared.receive(3, $0) },
        { shared.receive(4, $0) }, { shared.receive(5, $0) }, { shared.receive(6, $0) }, { shared.receive(7, $0) },
    ]

    private let state = Locked(State())

    func take(_ outlet: LogOutlet) -> Slot {
        state.withLock { state in
            let index = state.loggers.firstIndex { $0 == nil } ?? Self.callbacks.count - 1
            state.loggers[index] = (state.loggers[index]?.outlet ?? outlet, (state.loggers[index]?.users ?? 0) + 1)
            adjustLevel(state)
            return Slot(index: index, callback: Self.callbacks[index])
        }
    }

    func giveBack(_ slot: Slot) {
        state.withLock { state in
            guard let entry = state.loggers[slot.index] else { return }
            state.loggers[slot.index] = entry.users > 1 ? (entry.outlet, entry.users - 1) : nil
            adjustLevel(state)
        }
    }

    /// The C client has one level for the whole process: as much as the most curious logger wants to see.
    private func adjustLevel(_ state: State) {
        let level = state.loggers.compactMap { $0?.outlet.logger.logLevel }.min() ?? .warning
        switch level {
        case .trace: zoo_set_debug_level(ZOO_LOG_LEVEL_DEBUG)
        case .debug: zoo_set_debug_level(ZOO_LOG_LEVEL_INFO)
        default: zoo_set_debug_level(ZOO_LOG_LEVEL_WARN)
        }
    }

    private func receive(_ slot: Int, _ line: UnsafePointer<CChar>?) {
        guard let line else { return }
        let text = String(cString: line)
        let mustStart = state.withLock { state in
            guard let outlet = state.loggers[slot]?.outlet, outlet.admits() else { return false }
            state.queue.append((slot, text))
            guard !state.isDraining else { return false }
            state.isDraining = true
            return true
        }
        if mustStart { DetachedThread.start("zk-log") { self.drain() } }
    }

    private func drain() {
        while true {
            let next = state.withLock { state -> (logger: Logger, line: LogLine)? in
                while !state.queue.isEmpty {
                    let (slot, text) = state.queue.removeFirst()
                    if let outlet = state.loggers[slot]?.outlet {
                        return (outlet.logger, LogLine(text, suppressed: outlet.takeSuppressed()))
                    }
                }
                state.isDraining = false
                return nil
            }
            guard let (logger, line) = next else { return }
            logger.log(level: line.level, "\(line.message)", metadata: line.metadata)
        }
    }
}
