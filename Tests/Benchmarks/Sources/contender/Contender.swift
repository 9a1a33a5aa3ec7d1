import FoundationEssentials
import Glibc
import ZooKeeper
import ZooKeeperLocks

/// This package as a contender. Usage: `contender SESSION-TIMEOUT-MS HOST:PORT...`; requests come on standard input.
@main
struct Contender {
    /// Not asynchronous: valgrind does not survive what such a main does to its thread.
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let first = arguments.first, let timeout = Int(first), arguments.count > 1 else {
            put("usage: contender SESSION-TIMEOUT-MS HOST:PORT...", to: STDERR_FILENO)
            exit(64)
        }
        let sessions = Sessions(servers: Array(arguments.dropFirst()), timeout: .milliseconds(timeout))
        let (decoder, encoder) = (JSONDecoder(), JSONEncoder())
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // The main thread reads; the work is done on Swift's own threads, as in a service.
        while let line = readLine() {
            let answer: Answer
            do {
                let request = try decoder.decode(Request.self, from: Data(line.utf8))
                answer = Awaited().value(of: {
                    do { return try await perform(request, sessions) } catch { return Answer(error: "\(error)") }
                })
            } catch {
                answer = Answer(error: "\(error)")
            }
            put(String(decoding: try encoder.encode(answer), as: UTF8.self), to: STDOUT_FILENO)
        }
        Awaited().value(of: { await sessions.close() })
    }

    private static func put(_ line: String, to file: Int32) {
        var rest = Array("\(line)\n".utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard written > 0 else { exit(1) }
            rest = rest.dropFirst(written)
        }
    }

    private static func perform(_ request: Request, _ sessions: Sessions) async throws -> Answer {
        switch request.workload {
        case .cycle: try await cycle(request, sessions)
        case .contend: try await contend(request, sessions)
        case .chain: try await chain(request, sessions)
        case .idle: try await idle(request, sessions)
        case .hold, .wait: try await take(request, sessions)
        }
    }
}
