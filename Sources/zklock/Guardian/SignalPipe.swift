import Glibc

/// Brings signals from their handler, where nothing is allowed, to somebody who reads a descriptor.
enum SignalPipe {
    /// Each byte is the number of a signal.
    static var reader: Int32 { ends.reader }

    /// Catches these from now on, but not those that are ignored: whoever started this program wants it so (`nohup`), and
    /// what this program starts ignores them as well then.
    static func catchSignals(_ numbers: [Int32]) {
        _ = ends
        for number in numbers {
            var current = sigaction()
            sigaction(number, nil, &current)
            let isIgnored = unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == 1
            if !isIgnored { install(number) }
        }
    }

    /// Lets `number` do what it does by itself.
    static func restoreDefault(_ number: Int32) {
        signal(number, SIG_DFL)
    }

    /// A message of this program must neither suspend it while the command has the terminal, whatever `stty tostop` says, nor end it when
    /// nobody reads. Only after the guardian was started: the command is not to inherit that.
    static func ignoreTroubleWithMessages() {
        signal(SIGTTOU, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
    }

    static func install(_ number: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            var byte = UInt8(truncatingIfNeeded: number)
            let before = errno
            _ = write(ends.writer, &byte, 1)
            errno = before
        }
        action.sa_flags = SA_RESTART
        sigaction(number, &action, nil)
    }

    /// The numbers that have arrived; does not wait when `descriptor` was made so.
    static func read() -> [Int32] {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(ends.reader, &buffer, buffer.count)
        return count > 0 ? buffer[..<count].map(Int32.init) : []
    }
}

/// Where the handler writes. A handler can capture nothing.
private let ends: (reader: Int32, writer: Int32) = {
    var descriptors: [Int32] = [-1, -1]
    pipe(&descriptors)
    for descriptor in descriptors {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A handler that had to wait would hold up whatever it interrupted.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }
    return (descriptors[0], descriptors[1])
}()

/// The signals that a thread does not take.
struct SignalMask: Sendable {
    private let set: sigset_t

    /// Those of the calling thread.
    static var current: SignalMask {
        var set = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &set)
        return SignalMask(set: set)
    }

    static var all: SignalMask {
        var set = sigset_t()
        sigfillset(&set)
        return SignalMask(set: set)
    }

    static var none: SignalMask {
        var set = sigset_t()
        sigemptyset(&set)
        return SignalMask(set: set)
    }

    func without(_ number: Int32) -> SignalMask {
        var set = set
        sigdelset(&set, number)
        return SignalMask(set: set)
    }

    /// For the calling thread, from now on.
    func apply() {
        var set = set
        pthread_sigmask(SIG_SETMASK, &set, nil)
    }

    func withPointer<R>(_ body: (UnsafePointer<sigset_t>) -> R) -> R {
        withUnsafePointer(to: set, body)
    }
}
