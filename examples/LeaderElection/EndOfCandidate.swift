import Glibc
import ZooKeeper

/// Ctrl-C, SIGTERM, and the end of a pipe.
struct EndOfCandidate {
    private let signals: sigset_t

    /// Takes the signals. To be made before there is a second thread.
    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        self.signals = signals
    }

    /// Calls `handler` at the first of them; the second one ends the process.
    func await(_ handler: @escaping @Sendable () -> Void) {
        DetachedThread.start("signals") { [signals] in
            var (signals, number) = (signals, Int32(0))
            sigwait(&signals, &number)
            handler()
            sigwait(&signals, &number)
            _exit(128 + number)
        }
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return }
        DetachedThread.start("input") {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
            handler()
            // The servers may be gone together with whoever started this process.
            sleep(2)
            _exit(1)
        }
    }
}
