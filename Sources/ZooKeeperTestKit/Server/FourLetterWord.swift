import Dispatch
import Glibc

/// One of the server's text commands, such as `srvr` or `mntr`, sent over a connection of its own.
struct FourLetterWord: Sendable {
    let word: String

    /// - Throws: `invalidConfiguration` unless the word has four ASCII letters; the server would take anything else
    ///   for the length of a packet.
    init(_ word: String) throws(TestKitError) {
        guard word.utf8.count == 4, word.allSatisfy({ $0.isASCII && $0.isLetter }) else {
            throw TestKitError(.invalidConfiguration, "A four-letter word has four letters; \"\(word)\" has not.")
        }
        self.word = word
    }

    /// What a server says between opening its port and serving.
    static let notServing = "not currently serving requests"

    /// Sends the word and returns the whole answer.
    ///
    /// - Throws: `noAnswer` when the connection is refused or the answer is not complete within `timeout`;
    ///   `CancellationError` as soon as the task is cancelled.
    func send(toPort port: Int, timeout: Duration) async throws -> String {
        try Task.checkCancellation()
        let deadline = ContinuousClock.now + timeout
        let connection = try LoopbackConnection(port: port)
        let outcome = await withTaskCancellationHandler {
            // Waiting for a socket blocks a thread, and those of Swift's own pool are few.
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<String, TestKitError>, Never>) in
                DispatchQueue.global().async {
                    continuation.resume(returning: exchange(over: connection, until: deadline))
                }
            }
        } onCancel: {
            connection.abort()
        }
        try Task.checkCancellation()
        return try outcome.get()
    }

    private func exchange(
        over connection: LoopbackConnection,
        until deadline: ContinuousClock.Instant
    ) -> Result<String, TestKitError> {
        Result { () throws(TestKitError) in
            try connection.send(Array(word.utf8), until: deadline)
            var answer: [UInt8] = []
            while let chunk = try connection.receive(until: deadline) {
                answer += chunk
                // A server that is just starting may fail to close such a connection, so do not wait for the end.
                if chunk.count < 200, String(decoding: answer, as: UTF8.self).contains(Self.notServing) { break }
            }
            return String(decoding: answer, as: UTF8.self)
        }
    }
}
