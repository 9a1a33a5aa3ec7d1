import Glibc
import TestSupport
import Testing
import ZooKeeper

/// Something on a free port of 127.0.0.1 that is no ZooKeeper server, or a bad one.
final class FakePeer: Sendable {
    struct Behaviour: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Sent to whoever connects.
        var greeting: [UInt8] = []
        /// Sent in answer to the first bytes that arrive.
        var answer: [UInt8] = []
        /// The connection is closed when all of that has been sent.
        var closes = false
    }

    let port: Int
    let behaviour: Behaviour
    private let listener: Int32
    /// One end is closed in order to stop.
    private let wakeUp: (read: Int32, write: Int32)
    private let accepted = Recorder<ContinuousClock.Instant>()
    private let isOver = Promise<Void>()

    /// How many connections there have been.
    var connections: Int { accepted.all.count }

    var connectString: String { "127.0.0.1:\(port)" }

    /// Runs `body` while the peer listens. Nothing of it is left afterwards.
    ///
    /// - Parameter port: 0 for any that is free.
    static func with<R>(
        _ behaviour: Behaviour, port: Int = 0, isolation: isolated (any Actor)? = #isolation,
        _ body: (FakePeer) async throws -> sending R
    ) async throws -> sending R {
        let peer = try FakePeer(behaviour, port: port)
        DetachedThread.start("fake-peer") { peer.run() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body(peer))
        } catch {
            result = .failure(error)
        }
        close(peer.wakeUp.write)
        await peer.isOver.value()
        return try result.get()
    }

    private init(_ behaviour: Behaviour, port: Int) throws {
        self.behaviour = behaviour
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 128) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        self.listener = listener
        try #require(bound, "no listener: \(String(cString: strerror(errno)))")
        self.port = Int(in_port_t(bigEndian: address.sin_port))
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        wakeUp = (ends[0], ends[1])
    }

    private func run() {
        /// The connections, and whether the answer is still to be given.
        var connections: [Int32: Bool] = [:]
        while true {
            var entries = [wakeUp.read, listener].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            entries += connections.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
            if entries[0].revents != 0 { break }
            for entry in entries[2...] where entry.revents != 0 {
                if !answer(entry.fd, isFirst: connections[entry.fd] == true) {
                    connections[entry.fd] = nil
                    close(entry.fd)
                } else {
                    connections[entry.fd] = false
                }
            }
            if entries[1].revents != 0, case let connection = accept(listener, nil, nil), connection >= 0 {
                accepted.append(.now)
                send(behaviour.greeting, connection)
                if behaviour.closes && behaviour.answer.isEmpty {
                    close(connection)
                } else {
                    connections[connection] = true
                }
            }
        }
        for descriptor in [listener, wakeUp.read] + connections.keys { close(descriptor) }
        isOver.resolve(())
    }

    /// Says whether the connection is to be kept.
    private func answer(_ connection: Int32, isFirst: Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        guard recv(connection, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 else { return false }
        guard isFirst, !behaviour.answer.isEmpty else { return true }
        send(behaviour.answer, connection)
        return !behaviour.closes
    }

    private func send(_ bytes: [UInt8], _ connection: Int32) {
        // Small enough for the buffer of the socket.
        if !bytes.isEmpty { _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }
}

extension FakePeer.Behaviour {
    static let silent = Self(testDescription: "silent")
    static let closesAtOnce = Self(testDescription: "closes at once", closes: true)
    static let http = Self(
        testDescription: "HTTP",
        answer: Array("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n".utf8),
        closes: true)
    static let ssh = Self(testDescription: "SSH", greeting: Array("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n".utf8))
    static let redis = Self(testDescription: "Redis", answer: Array("-ERR unknown command\r\n".utf8), closes: true)
    /// A fatal alert, "unexpected message".
    static let tls = Self(testDescription: "TLS", answer: [0x15, 3, 3, 0, 2, 2, 10], closes: true)
    static let zeroes = Self(testDescription: "zeroes", answer: [UInt8](repeating: 0, count: 4096))
    static let ones = Self(testDescription: "ones", answer: [UInt8](repeating: 0xFF, count: 4096))

    static func random(seed: UInt64) -> Self {
        var generator = SplitMix64(seed: seed)
        return Self(
            testDescription: "random bytes of seed \(seed)",
            greeting: (0..<4096).map { _ in .random(in: 0...255, using: &generator) })
    }

    /// Agrees to a session, as a server does, and then sends `rest`.
    static func handshake(_ name: String, timeout: Int32 = 4000, rest: [UInt8] = [], closes: Bool = false) -> Self {
        let body: [UInt8] = bytes(0) + bytes(timeout) + [1, 0, 0, 0, 0, 0, 0, 1] + bytes(16) + bytes(0, count: 17)
        return Self(testDescription: name, answer: bytes(Int32(body.count)) + body + rest, closes: closes)
    }

    private static func bytes(_ number: Int32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    private static func bytes(_ byte: UInt8, count: Int) -> [UInt8] { [UInt8](repeating: byte, count: count) }
}

/// The same numbers from the same seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
