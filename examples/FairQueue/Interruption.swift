import Glibc
import Locking
import ZooKeeper

/// That the process was asked to end.
struct Interruption: Sendable {
    var signal: Int32
    var instant: ContinuousClock.Instant

    /// As shells have it.
    var exitStatus: Int32 { 128 + signal }

    /// Runs `body` in a task that is cancelled by the first of these signals, or at the end of standard input. Whoever
    /// is not done two seconds after that end, or asks twice by a signal, ends at once. To be called once in a process.
    static func cancelling<R: Sendable>(
        signals: [Int32],
        endOfInput: Bool = false,
        onAbort: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable () async -> R
    ) async -> (result: R, interruption: Interruption?) {
        let caught = Caught()
        let task = Task { await body() }
        let pipe = signalPipe
        for number in signals {
            Glibc.signal(number) { number in
                // Nothing else is allowed here; whoever waits at the other end does the rest.
                var byte = UInt8(truncatingIfNeeded: number)
                let before = errno
                _ = write(signalPipe.writer, &byte, 1)
                errno = before
            }
        }
        // A thread, and no source of Dispatch: those crash now and then on Linux while they are taken down.
        DetachedThread.start("interruption") {
            wait(pipe.reader, endOfInput: endOfInput) { event in
                switch event {
                case .signal(let number):
                    guard caught.keep(Interruption(signal: number, instant: .now)) else {
                        onAbort()
                        _exit(128 + number)
                    }
                case .endOfInput:
                    break
                case .outOfTime:
                    // The servers may be gone together with whoever started this process.
                    _exit(1)
                }
                task.cancel()
            }
        }
        return (await task.value, caught.interruption)
    }

    private final class Caught: Sendable {
        private let first = Locked<Interruption?>(nil)

        var interruption: Interruption? { first.withLock { $0 } }

        /// - Returns: whether it is the first one.
        func keep(_ interruption: Interruption) -> Bool {
            first.withLock { first in
                guard first == nil else { return false }
                first = interruption
                return true
            }
        }
    }

    private enum Occurrence {
        case signal(Int32)
        case endOfInput
        case outOfTime
    }

    private static func wait(_ signals: Int32, endOfInput: Bool, _ handle: (Occurrence) -> Void) {
        var descriptors = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        if endOfInput { descriptors.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
        var milliseconds: Int32 = -1
        while true {
            let count = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
            if count == 0 { handle(.outOfTime) }
            guard count > 0 else { continue }
            var byte: UInt8 = 0
            if descriptors[0].revents != 0, read(signals, &byte, 1) == 1 { handle(.signal(Int32(byte))) }
            if descriptors.count == 2, descriptors[1].revents != 0, read(STDIN_FILENO, &byte, 1) == 0 {
                descriptors.removeLast()
                milliseconds = 2000
                handle(.endOfInput)
            }
        }
    }
}

/// Where the handler of signals writes their numbers. A handler can capture nothing.
private let signalPipe: (reader: Int32, writer: Int32) = {
    var descriptors: [Int32] = [-1, -1]
    pipe(&descriptors)
    for descriptor in descriptors {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A handler that had to wait would hold up whatever it interrupted.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }
    return (descriptors[0], descriptors[1])
}()
