extension TestServer {
    /// Sends one of the server's four-letter words, such as `srvr`, `mntr`, `wchs`, `dump` or `cons`.
    ///
    /// - Parameters:
    ///   - word: Four ASCII letters.
    ///   - timeout: How long connecting and the whole answer may take together.
    /// - Returns: The answer as the server gave it; empty if the server does not know the word.
    /// - Throws: `noAnswer` when the server is down, paused or slow, `invalidConfiguration` when `word` has not four
    ///   letters, and `CancellationError`.
    public func fourLetterWord(_ word: String, timeout: Duration = .seconds(5)) async throws -> String {
        let command = try FourLetterWord(word)
        do {
            return try await command.send(toPort: port, timeout: timeout)
        } catch let error as TestKitError {
            throw TestKitError(error.code, "\(name) did not answer \(word): \(error.message)", logTail: logTail)
        }
    }

    /// Waits until this very process serves.
    func untilServing(_ process: ServerProcess, _ exit: Task<String, Never>) async throws {
        let deadline = ContinuousClock.now + configuration.startTimeout
        while true {
            if process.hasEnded {
                throw exitedEarly(status: await exit.value)
            }
            if await isServing() {
                return
            }
            guard ContinuousClock.now < deadline else {
                throw TestKitError(
                    .notReady,
                    "\(name) runs, but did not serve within \(configuration.startTimeout)."
                        + (membership == nil ? "" : " A member serves only with a quorum: are enough others up?"),
                    logTail: logTail
                )
            }
            // A server has no way to tell that it serves; it must be asked.
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// What the server says that it is: `standalone`, `leader`, `follower`; nil while it does not serve, or is paused.
    func mode() async -> String? {
        guard let answer = try? await FourLetterWord("srvr").send(toPort: port, timeout: Self.patience) else {
            return nil
        }
        let lines = answer.split(separator: "\n")
        return lines.first { $0.hasPrefix("Mode: ") }.map { String($0.dropFirst("Mode: ".count)) }
    }

    private func isServing() async -> Bool {
        guard await mode() != nil,
            // Who has taken our port answers too, so ask whose data it is.
            let settings = try? await FourLetterWord("conf").send(toPort: port, timeout: Self.patience)
        else { return false }
        return settings.contains("dataDir=" + files.data)
    }

    /// A starting server may take a connection and never answer it, so no single question waits for long.
    private static let patience = Duration.milliseconds(500)

    private func exitedEarly(status: String) -> TestKitError {
        let tail = logTail
        if tail.contains("Address already in use") {
            return TestKitError(.addressInUse, "Another process has taken port \(port) of \(name).", logTail: tail)
        }
        return TestKitError(.exitedEarly, "\(name) ended before it was ready (\(status)).", logTail: tail)
    }
}
