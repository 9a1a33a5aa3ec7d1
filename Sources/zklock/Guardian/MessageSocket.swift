import Glibc
import ZooKeeper

/// One end of a pair of sockets that keeps messages apart, and tells when the other end is gone, however it went.
struct MessageSocket: Sendable {
    let descriptor: Int32

    static func pair() -> (MessageSocket, MessageSocket)? {
        var descriptors: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else { return nil }
        return (MessageSocket(descriptor: descriptors[0]), MessageSocket(descriptor: descriptors[1]))
    }

    /// Sends without waiting for anybody.
    ///
    /// - Returns: whether the message is on its way.
    @discardableResult
    func send(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            while true {
                let count = Glibc.send(
                    descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                if count >= 0 { return true }
                guard errno == EINTR else { return false }
            }
        }
    }

    /// - Returns: the next message, `nil` when the other end is gone; waits for either.
    func receive() -> String? {
        // Paths of ZooKeeper are limited to 4096 bytes, and there are two of them.
        var buffer = [UInt8](repeating: 0, count: 32_768)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { return String(decoding: buffer[..<count], as: UTF8.self) }
            guard count < 0, errno == EINTR else { return nil }
        }
    }

    func close() {
        Glibc.close(descriptor)
    }
}
