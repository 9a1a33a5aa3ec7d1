import Locking

/// For what is not worth a request if it is over soon.
extension Session {
    /// How long something is put off at most.
    package static let whileToPutOff = Duration.milliseconds(50)

    /// Runs `body` within a twentieth of a second, on the timer thread, together with whatever else was put off by then: one timer does
    /// for all, so that those who put something off many times a millisecond do not wake that thread as often.
    package func putOff(_ body: @escaping @Sendable () -> Void) {
        let isFirst = core.withLock { core in
            core.putOff.append(body)
            return core.putOff.count == 1
        }
        guard isFirst else { return }
        TimerThread.shared.schedule(at: .now + Self.whileToPutOff) { [weak self] in
            guard let self else { return }
            let bodies = core.withLock { core in
                defer { core.putOff = [] }
                return core.putOff
            }
            for body in bodies { body() }
        }
    }
}
