import Glibc
import ZooKeeper
import ZooKeeperLocks

/// Signals, and job control: the command is suspended by the terminal, then this process suspends itself, so that the shell notices.
extension LockedRun {
    /// How long it takes at most until a suspension begins.
    private static let suspensionDelay = Duration.milliseconds(200)

    /// What asks a program to end. Not so SIGHUP, by which many services read their configuration anew, nor SIGQUIT, by which others tell
    /// what their threads do.
    private static let ending = [SIGINT, SIGTERM]

    mutating func signal(_ number: Int32) {
        if isSuspended, number == SIGCONT { return resume() }
        guard lease != nil else { return signalWhileWaiting(number) }
        // Also when nothing is lost yet: that may happen while the command is ending, and whoever asked wants no other term.
        if Self.ending.contains(number) || [SIGHUP, SIGQUIT].contains(number) && hasToEnd { interruption = number }
        guardian.send(.signal(number))
    }

    /// The command has to end, whatever the guardian has told of it so far.
    private var hasToEnd: Bool { isStopping || loss != nil }

    private mutating func signalWhileWaiting(_ number: Int32) {
        switch number {
        case SIGTSTP:
            voice.clear()
            // Whoever typed has told the others of the job as well.
            SignalPipe.restoreDefault(number)
            kill(getpid(), number)
        case SIGCONT: SignalPipe.install(SIGTSTP)
        case SIGUSR1, SIGUSR2: break
        default:
            interruption = interruption ?? number
            voice.clear()
            waiter?.cancel()
        }
    }

    /// The command is suspended. While this process is, nobody keeps the lock: the guardian kills the command when its time is over.
    mutating func suspend(by number: Int32) {
        isSuspended = true
        if number == SIGSTOP {
            kill(getpid(), number)
        } else {
            // The whole job, of which the terminal has told the command alone: the shell takes it for suspended when all of it is.
            SignalPipe.restoreDefault(number)
            kill(0, number)
        }
        // Shells that do not control jobs have such signals ignored; then there is nobody who could say when to go on.
        TimerThread.shared.schedule(at: .now + Self.suspensionDelay) { [feed] in feed.yield(.awake) }
    }

    mutating func resume() {
        isSuspended = false
        SignalPipe.install(SIGTSTP)
        SignalPipe.ignoreTroubleWithMessages()
        guard lease?.isHeld == true else { return guardian.send(.stop) }
        guardian.send(.resume)
    }
}
