import Glibc
import ZooKeeper

/// Asks one server by its text commands, over a connection of its own.
struct ServerProbe: Sendable {
    let host: String
    let port: String

    /// The servers of a connect string, which the client has found good.
    static func servers(in text: String) -> [ServerProbe] {
        text.prefix { $0 != "/" }.split(separator: ",").compactMap { item in
            let item = item.drop { $0 == " " }
            guard let colon = item.lastIndex(of: ":") else { return nil }
            let host = item[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
            return ServerProbe(host: String(host), port: String(item[item.index(after: colon)...].prefix { $0 != " " }))
        }
    }

    var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Sends a four-letter word.
    ///
    /// - Returns: the answer; `nil` when there is none in time. Empty where the server does not care for the word (`whitelist`).
    func ask(_ word: String, timeout: Duration = .seconds(3)) async -> String? {
        let answer = Promise<String?>()
        // Resolving and connecting block.
        DetachedThread.start("zk-probe") { answer.resolve(exchange(word, until: .now + timeout)) }
        return await answer.value()
    }

    private func exchange(_ word: String, until deadline: ContinuousClock.Instant) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &addresses) == 0 else { return nil }
        defer { freeaddrinfo(addresses) }
        var address = addresses
        while let current = address?.pointee {
            if let answer = exchange(word, with: current, until: deadline) { return answer }
            address = current.ai_next
        }
        return nil
    }

    private func exchange(_ word: String, with address: addrinfo, until deadline: ContinuousClock.Instant) -> String? {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, kind, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 || errno == EINPROGRESS,
            wait(descriptor, Int16(POLLOUT), deadline),
            send(descriptor, word, word.utf8.count, Int32(MSG_NOSIGNAL)) == word.utf8.count
        else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while wait(descriptor, Int16(POLLIN), deadline) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            guard count > 0 else { return nil }
            answer += buffer[..<count]
        }
        return nil
    }

    private func wait(_ descriptor: Int32, _ events: Int16, _ deadline: ContinuousClock.Instant) -> Bool {
        let left = (deadline - .now).nanoseconds / 1_000_000
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        return left > 0 && poll(&entry, 1, Int32(clamping: left)) > 0
    }
}

/// What a server tells of itself: lines of a name and a value.
struct ServerAnswer {
    private let lines: [Substring]

    init(_ text: String) {
        lines = text.split(separator: "\n")
    }

    /// The value behind `Name: ` or `name=`.
    subscript(_ name: String) -> String? {
        for line in lines {
            for separator in [": ", "="] where line.hasPrefix(name + separator) {
                return String(line.dropFirst(name.count + separator.count))
            }
        }
        return nil
    }

    /// `3.9.3`, of `3.9.3-c26634f…, built on …`.
    var version: [Int]? {
        guard let text = self["Zookeeper version"] else { return nil }
        let numbers = text.prefix { $0 == "." || $0.isASCII && $0.isNumber }.split(separator: ".").compactMap {
            Int($0)
        }
        return numbers.count >= 2 ? numbers : nil
    }

    /// Older ones may lose a transaction when a follower catches up (ZOOKEEPER-4785).
    static func mayLoseTransactions(_ version: [Int]) -> Bool {
        let fixed = version.starts(with: [3, 9]) ? [3, 9, 2] : [3, 8, 5]
        return version.lexicographicallyPrecedes(fixed)
    }
}
