/// The members of an ensemble and the root of this client: `zk1:2181,zk2:2181,[::1]:2181/app`.
struct ConnectString: Hashable, Sendable {
    struct Server: Hashable, Sendable, CustomStringConvertible {
        /// A host name or a numeric address, without brackets.
        var host: String
        var port: UInt16

        var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    var servers: [Server]
    /// The znode that this client sees as `/`.
    var chroot: NodePath

    /// Reads `text` by stricter rules than the C client, which takes a port of 99999 and waits for ever for "/".
    ///
    /// Empty items and spaces around a host are dropped; `[address]:port` is how an IPv6 address is written.
    /// - Throws: ``ZooKeeperError/Code/invalidConnectString``.
    init(_ text: String) throws(ZooKeeperError) {
        func refuse(_ reason: String) -> ZooKeeperError {
            ZooKeeperError(.invalidConnectString, operation: "connect", detail: reason)
        }
        if let index = text.unicodeScalars.firstIndex(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            let offset = text.utf8.distance(from: text.startIndex, to: index)
            throw refuse("control character at byte \(offset) of '\(text.printable)'")
        }
        if text.contains("://") {
            throw refuse("remove the scheme from '\(text.printable)': write host:port,host:port/chroot")
        }
        if text.contains(";") { throw refuse("separate hosts with ',' in '\(text.printable)'") }

        let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) ?? text.endIndex
        servers = []
        for item in text[..<slash].split(separator: ",") {
            let item = item.trimmed
            if item.isEmpty { continue }
            switch ConnectString.server(item) {
            case .success(let server): if !servers.contains(server) { servers.append(server) }
            case .failure(let flaw): throw refuse(flaw.reason)
            }
        }
        guard !servers.isEmpty else {
            throw refuse(text.isEmpty ? "it is empty: write host:port" : "no hosts in '\(text.printable)'")
        }
        do {
            chroot = slash == text.endIndex ? .root : try NodePath(String(text[slash...].trimmed))
        } catch {
            throw refuse("bad chroot: \(error.detail)")
        }
    }

    private struct Flaw: Error { var reason: String }

    private static func server(_ item: Substring) -> Result<Server, Flaw> {
        guard let colon = item.lastIndex(of: ":"), !item.hasSuffix("]") else {
            return .failure(Flaw(reason: "missing port in '\(String(item).printable)'"))
        }
        let portText = item[item.index(after: colon)...]
        guard !portText.isEmpty, portText.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(portText), (1...65535).contains(port)
        else {
            return .failure(Flaw(reason: "bad port '\(portText)' in '\(String(item).printable)': 1 to 65535"))
        }
        var host = item[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else {
                return .failure(Flaw(reason: "missing ']' in '\(String(item).printable)'"))
            }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return .failure(Flaw(reason: "write an IPv6 address in brackets: '[\(host)]:\(port)'"))
        }
        guard !host.isEmpty else { return .failure(Flaw(reason: "missing host in '\(String(item).printable)'")) }
        guard host.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && $0 != "[" && $0 != "]" }) else {
            return .failure(Flaw(reason: "bad host '\(String(host).printable)'"))
        }
        return .success(Server(host: String(host), port: UInt16(port)))
    }
}

extension ConnectString: CustomStringConvertible {
    var description: String {
        servers.map(\.description).joined(separator: ",") + (chroot == .root ? "" : chroot.string)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
