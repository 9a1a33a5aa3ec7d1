/// For what is not worth a request if it is over soon.
extension Session {
    private static let whileToWait = Duration.milliseconds(50)

    /// Runs `body` within a twentieth of a second, on the timer thread, together with whatever else was put off by then: one timer does
    /// for all, so that those who put something off many times a millisecond do not wake that thread as often.
    package func putOff(_ body: @escaping @Sendable () -> Void) {
        let isFirst = core.withLock { core in
            core.putOff.append(body)
            return core.putOff.count == 1
        }
        guard isFirst else { return }
        TimerThread.shared.schedule(at: .now + Self.whileToWait) { [weak self] in
            guard let self else { return }
            let bodies = core.withLock { core in
                defer { core.putOff = [] }
                return core.putOff
            }
            for body in bodies { body() }
        }
    }
}
