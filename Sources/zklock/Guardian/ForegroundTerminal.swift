import Glibc

/// The terminal that this process belongs to: whose group is in the foreground, and gets what is typed.
///
/// For a process that has SIGTTOU blocked: such a one may hand the terminal around also from the background.
struct ForegroundTerminal {
    let descriptor: Int32
    /// The job that the shell knows.
    let job: pid_t
    /// How the terminal was set up before the command.
    private let modes: termios?

    /// `nil` where there is none, as for daemons.
    init?(job: pid_t) {
        descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        self.job = job
        var modes = termios()
        self.modes = tcgetattr(descriptor, &modes) == 0 ? modes : nil
    }

    /// After a command that was killed, and had no time to do so itself.
    func restoreModes() {
        guard var modes, isWithJob else { return }
        tcsetattr(descriptor, TCSADRAIN, &modes)
    }

    var group: pid_t { tcgetpgrp(descriptor) }
    var isWithJob: Bool { group == job }

    func give(to group: pid_t) {
        tcsetpgrp(descriptor, group)
    }

    /// Takes it back from whoever has no use for it any more.
    func takeBack(from command: pid_t) {
        let current = group
        guard current > 0, current != job else { return }
        // An interactive command gives it to groups of its own. A shell that has taken it meanwhile keeps it.
        if current == command || kill(-current, 0) != 0 && errno == ESRCH { give(to: job) }
    }
}
