import ZooKeeper
import Glibc

/// A TCP connection to a port of 127.0.0.1 whose every wait has a deadline.
final class LoopbackConnection: Sendable {
    private let port: Int
    // Closed only at the end of life, so that nobody who holds the object can meet a reused descriptor.
    private let descriptor: Int32

    /// Begins to connect; the first `send` waits for the result.
    init(port: Int) throws(TestKitError) {
        self.port = port
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw failure("no socket: " + Self.reason(errno)) }
        let address = LoopbackAddress(port: in_port_t(truncatingIfNeeded: port))
        guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
            throw failure(Self.reason(errno))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Ends every wait on this connection at once.
    func abort() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    func send(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(TestKitError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: Int16(POLLOUT), until: deadline)
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EAGAIN, errno != EINTR {
                throw failure(Self.reason(errno))
            }
        }
    }

    /// The next bytes, or nil at the end of the stream.
    func receive(until deadline: ContinuousClock.Instant) throws(TestKitError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            try wait(for: Int16(POLLIN), until: deadline)
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 { return nil }
            guard errno == EAGAIN || errno == EINTR else { throw failure(Self.reason(errno)) }
        }
    }

    private func wait(for events: Int16, until deadline: ContinuousClock.Instant) throws(TestKitError) {
        while true {
            let left = deadline - .now
            guard left > .zero else { throw failure("no answer in time") }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            // Rather a little too long than not for as long as was said.
            let count = poll(&entry, 1, Int32(clamping: left.milliseconds + 1))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw failure(Self.reason(errno)) }
        }
    }

    private func failure(_ reason: String) -> TestKitError {
        TestKitError(.noAnswer, "127.0.0.1:\(port): \(reason)")
    }

    private static func reason(_ number: Int32) -> String {
        String(cString: strerror(number))
    }
}
