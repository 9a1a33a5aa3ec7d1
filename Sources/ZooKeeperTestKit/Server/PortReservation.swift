import Glibc

/// A TCP port on 127.0.0.1 that is kept for one server while the value lives, also while the server is down.
///
/// The port is held by a socket that is bound but never listens. Nobody who asks in the same way can bind it, and the
/// kernel hands it to no outgoing connection. The server can, since it binds with `SO_REUSEADDR` as every Java server
/// socket does, and the holder allows that after its own bind. A connection to the port is refused until the server
/// listens.
package final class PortReservation: Sendable {
    package let port: Int
    private let descriptor: Int32

    private init(port: Int, descriptor: Int32) {
        self.port = port
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Reserves a free port.
    /// - Throws: `noFreePort` when a few hundred candidates in a row are taken.
    package static func any() throws(TestKitError) -> PortReservation {
        let candidates = candidates(outside: ephemeralRange())
        for _ in 0..<300 {
            if let reservation = PortReservation(port: candidates.randomElement() ?? 0) {
                return reservation
            }
        }
        throw TestKitError(.noFreePort, "No free TCP port on 127.0.0.1 among 300 candidates from \(candidates).")
    }

    /// Reserves this port, or returns nil when somebody has it.
    init?(port: Int) {
        guard let number = in_port_t(exactly: port), number > 0 else { return nil }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let bound = LoopbackAddress(port: number).withSocketAddress { bind(descriptor, $0, $1) }
        // Only now: a bind with this option would succeed next to another holder's.
        var on: Int32 = 1
        guard bound == 0,
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout.size(ofValue: on))) == 0
        else {
            close(descriptor)
            return nil
        }
        self.port = port
        self.descriptor = descriptor
    }

    /// The ports to choose from: well-known ones and those the kernel gives to outgoing connections are left alone.
    static func candidates(outside ephemeral: ClosedRange<Int>) -> ClosedRange<Int> {
        let below = 10_000...max(10_000, ephemeral.lowerBound - 1)
        let above = min(65_535, ephemeral.upperBound + 1)...65_535
        let widest = below.count >= above.count ? below : above
        // Where the kernel's range covers everything the reservation alone has to do.
        return widest.count >= 1000 ? widest : 10_000...65_535
    }

    private static func ephemeralRange() -> ClosedRange<Int> {
        let usual = 32_768...60_999
        guard let file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re") else { return usual }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return usual }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let numbers = text.split { $0.isWhitespace }.compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1] else { return usual }
        return numbers[0]...numbers[1]
    }
}
