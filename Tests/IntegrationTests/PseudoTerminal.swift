import Glibc
import TestSupport
import Testing
import ZooKeeper

/// A terminal with a shell in it, that a test types into: a real pseudo-terminal, with the kernel's job control.
final class PseudoTerminal: Sendable {
    private let master: Int32
    private let shell: pid_t
    private let output: Recorder<String>
    private let chunks: AsyncStream<Void>

    /// Runs `body` while bash runs in a terminal, as the leader of a session. Everything in it is gone afterwards.
    static func with<R>(
        environment: [String], isolation: isolated (any Actor)? = #isolation,
        _ body: (PseudoTerminal) async throws -> sending R
    ) async throws -> sending R {
        let terminal = try PseudoTerminal(environment)
        do {
            let result = try await body(terminal)
            terminal.end()
            return result
        } catch {
            terminal.end()
            throw error
        }
    }

    private init(_ environment: [String]) throws {
        var master: Int32 = -1
        var slave: Int32 = -1
        var size = winsize(ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0)
        var name = [CChar](repeating: 0, count: 256)
        let opened = openpty(&master, &slave, &name, nil, &size)
        try #require(opened == 0)
        _ = fcntl(master, F_SETFD, FD_CLOEXEC)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(0x80))
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Whoever leads a session and has no terminal gets the first one it opens.
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        posix_spawn_file_actions_addclose(&actions, slave)
        let arguments = Self.copies(["bash", "--norc", "--noprofile", "-i"])
        let inherited = [
            "PATH", "HOME", "LD_LIBRARY_PATH", "SWIFT_BACKTRACE", "ASAN_OPTIONS", "TSAN_OPTIONS",
        ].compactMap { (key: String) -> String? in getenv(key).map { "\(key)=\(String(cString: $0))" } }
        let variables = Self.copies(
            inherited + ["TERM=xterm", "PS1=$ "] + environment)
        defer { for pointer in arguments + variables { free(pointer) } }
        var shell: pid_t = 0
        let status = posix_spawn(&shell, "/bin/bash", &actions, &attributes, arguments + [nil], variables + [nil])
        try #require(status == 0)
        close(slave)
        self.master = master
        self.shell = shell
        let output = Recorder<String>()
        self.output = output
        let (chunks, feed) = AsyncStream.makeStream(of: Void.self)
        self.chunks = chunks
        self.reader = Reader(master, feed) { text in output.append(text) }
        self.reader.start()
    }

    private static func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } }

    private let reader: Reader

    private struct Reader: Sendable {
        let master: Int32
        let feed: AsyncStream<Void>.Continuation
        let add: @Sendable (String) -> Void

        init(_ master: Int32, _ feed: AsyncStream<Void>.Continuation, _ add: @escaping @Sendable (String) -> Void) {
            self.master = master
            self.feed = feed
            self.add = add
        }

        func start() {
            DetachedThread.start("terminal") {
                var buffer = [UInt8](repeating: 0, count: 4096)
                while case let count = read(master, &buffer, buffer.count), count > 0 {
                    add(String(decoding: buffer[..<count], as: UTF8.self))
                    feed.yield()
                }
                feed.finish()
            }
        }
    }

    /// Everything that was shown so far.
    var text: String { output.all.joined() }

    func type(_ text: String) {
        var bytes = Array(text.utf8)
        _ = write(master, &bytes, bytes.count)
    }

    func enter(_ line: String) { type(line + "\n") }

    /// Waits until `text` has been shown `count` times. What is typed is shown as well.
    func shows(_ text: String, times count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        let timer = TimerThread.shared.schedule(at: deadline) { [reader] in reader.feed.yield() }
        defer { TimerThread.shared.cancel(timer) }
        var iterator = chunks.makeAsyncIterator()
        while self.text.split(separator: text, omittingEmptySubsequences: false).count <= count {
            try #require(ContinuousClock.now < deadline, "\(self.text)", sourceLocation: sourceLocation)
            let chunk: Void? = await iterator.next()
            try #require(chunk != nil, "\(self.text)", sourceLocation: sourceLocation)
        }
    }

    /// As the end of the line does: whoever is left is told by the kernel.
    private func end() {
        kill(shell, SIGKILL)
        waitpid(shell, nil, 0)
        close(master)
    }
}
