import Glibc
import Testing
import ZooKeeper

/// Ends a session at the server behind the back of whoever has it, in another process: the only way to see an expiry that comes earlier
/// than the client expects it.
///
/// The password of a session is no secret: servers compute it from the session's number (`ZooKeeperServer.generatePasswd`).
enum StolenSession {
    /// Returns when there is no such session.
    static func end(_ session: Int64, at server: String) async throws {
        let parts = server.prefix { $0 != "/" }.split(separator: ":")
        let port = try #require(in_port_t(parts.last ?? ""))
        let answer = Promise<Bool>()
        // Whoever has the session may take it back in the middle of this.
        DetachedThread.start("thief") { answer.resolve((0..<50).contains { _ in end(session, port) }) }
        let isClosed = await answer.value()
        try #require(isClosed, "the server did not close session \(session)")
    }

    private static func end(_ session: Int64, _ port: in_port_t) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return false }
        // Protocol version, last zxid, timeout, session, password, not read-only.
        let hello =
            bytes(Int32(0)) + bytes(Int64(0)) + bytes(Int32(10_000)) + bytes(session) + bytes(Int32(16))
            + password(session) + [0]
        guard send(hello, descriptor), let reply = receive(descriptor), reply.count >= 16 else { return false }
        // That is how a server says that there is no such session any more.
        if reply[8..<16].elementsEqual(bytes(Int64(0))) { return true }
        // A number of its own, and `closeSession`.
        return send(bytes(Int32(1)) + bytes(Int32(-11)), descriptor) && receive(descriptor) != nil
    }

    /// The bytes that `java.util.Random` gives.
    static func password(_ session: Int64) -> [UInt8] {
        let mask: UInt64 = (1 << 48) - 1
        var seed = (UInt64(bitPattern: session ^ 0xB341_5C00) ^ 0x5_DEEC_E66D) & mask
        return (0..<4).flatMap { _ -> [UInt8] in
            seed = (seed &* 0x5_DEEC_E66D &+ 0xB) & mask
            let number = UInt32(truncatingIfNeeded: seed >> 16)
            return (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private static func send(_ packet: [UInt8], _ descriptor: Int32) -> Bool {
        let framed = bytes(Int32(packet.count)) + packet
        return Glibc.send(descriptor, framed, framed.count, Int32(MSG_NOSIGNAL)) == framed.count
    }

    private static func receive(_ descriptor: Int32) -> [UInt8]? {
        guard let length = read(4, descriptor) else { return nil }
        return read(length.reduce(0) { $0 << 8 | Int($1) }, descriptor)
    }

    private static func read(_ count: Int, _ descriptor: Int32) -> [UInt8]? {
        guard count <= 65_536 else { return nil }
        var buffer = [UInt8](repeating: 0, count: count)
        return recv(descriptor, &buffer, count, Int32(MSG_WAITALL)) == count ? buffer : nil
    }
}
