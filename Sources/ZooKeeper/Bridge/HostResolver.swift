internal import CZooKeeper
import Glibc

/// Turns host names into numeric addresses, so that the C client never asks the resolver.
enum HostResolver {
    struct Answer: Sendable {
        /// Numeric addresses in the form that the C client reads: `127.0.0.1:2181,::1:2181`.
        var addresses: [String]
        /// All of them, in the form that the C client reads.
        var list: String { addresses.joined(separator: ",") }
        /// Why there are not more.
        var reasons: String { failures.map { "\($0.server.host): \($0.reason)" }.joined(separator: "; ") }
        /// Hosts without an address, with the resolver's reason.
        var failures: [(server: ConnectString.Server, reason: String)]
    }

    /// Asks the system's resolver; blocks for as long as that takes.
    static func resolve(_ servers: [ConnectString.Server]) -> Answer {
        var answer = Answer(addresses: [], failures: [])
        for server in servers {
            var hints = addrinfo()
            hints.ai_family = AF_UNSPEC
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(server.host, nil, &hints, &list)
            guard status == 0 else {
                answer.failures.append((server, String(cString: gai_strerror(status))))
                continue
            }
            defer { freeaddrinfo(list) }
            var entry = list
            while let current = entry {
                if let address = numeric(current.pointee) {
                    let text = "\(address):\(server.port)"
                    if !answer.addresses.contains(text) { answer.addresses.append(text) }
                }
                entry = current.pointee.ai_next
            }
        }
        return answer
    }

    /// Whom a handle is connected to. Only for the C client's own threads: the socket may be replaced at any time.
    static func peer(of handle: OpaquePointer?) -> String? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> String? in
                guard zookeeper_get_connected_host(handle, pointer, &length) != nil,
                    let host = numeric(pointer, length)
                else { return nil }
                // The port stands at the same place in both families of addresses.
                let port = UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
                return ConnectString.Server(host: host, port: port).description
            }
        }
    }

    private static func numeric(_ info: addrinfo) -> String? {
        numeric(info.ai_addr, info.ai_addrlen)
    }

    private static func numeric(_ address: UnsafeMutablePointer<sockaddr>?, _ length: socklen_t) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
