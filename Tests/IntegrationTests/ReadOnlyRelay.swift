import Glibc
import Testing
import ZooKeeper

/// Stands between a client and a server, and asks for a read-only session in the client's name.
///
/// The client never asks for one itself; so this is the way to hear from a real server that it does not write.
final class ReadOnlyRelay: Sendable {
    let port: Int
    private let target: Int
    private let listener: Int32
    private let isOver = Promise<Void>()

    var connectString: String { "127.0.0.1:\(port)" }

    static func with<R>(
        to target: Int, isolation: isolated (any Actor)? = #isolation,
        _ body: (ReadOnlyRelay) async throws -> sending R
    ) async throws -> sending R {
        let relay = try ReadOnlyRelay(to: target)
        DetachedThread.start("relay") { relay.run() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body(relay))
        } catch {
            result = .failure(error)
        }
        // Wakes up whoever accepts.
        shutdown(relay.listener, Int32(SHUT_RDWR))
        await relay.isOver.value()
        return try result.get()
    }

    private init(to target: Int) throws {
        self.target = target
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var address = Self.loopback(0)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        self.listener = listener
        try #require(isBound, "no listener: \(String(cString: strerror(errno)))")
        port = Int(in_port_t(bigEndian: address.sin_port))
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    private func run() {
        while case let client = accept(listener, nil, nil), client >= 0 {
            DetachedThread.start("relay") { [self] in relay(client) }
        }
        close(listener)
        isOver.resolve(())
    }

    private func relay(_ client: Int32) {
        defer { close(client) }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(server) }
        var address = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        // The last byte of the handshake's two packets: "may be read-only", and "is read-only".
        guard isConnected, pass(from: client, to: server, lastByte: 1), pass(from: server, to: client, lastByte: 0)
        else { return }
        var entries = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while poll(&entries, nfds_t(entries.count), -1) > 0 {
            for (index, entry) in entries.enumerated() where entry.revents != 0 {
                let count = read(entry.fd, &buffer, buffer.count)
                guard count > 0, write(entries[1 - index].fd, buffer, count) == count else { return }
            }
        }
    }

    private func pass(from source: Int32, to sink: Int32, lastByte: UInt8) -> Bool {
        guard let head = receive(4, from: source) else { return false }
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard (1...1024).contains(length), var body = receive(length, from: source) else { return false }
        body[length - 1] = lastByte
        return write(sink, head + body, 4 + length) == 4 + length
    }

    private func receive(_ count: Int, from source: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = recv(source, &bytes, count, Int32(MSG_WAITALL))
        return received == count ? bytes : nil
    }
}
