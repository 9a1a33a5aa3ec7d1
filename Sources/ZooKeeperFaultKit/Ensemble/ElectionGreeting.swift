import NIOCore

/// The first message on a connection for elections, which names the address at which its sender wants to be called back.
///
/// Of two members the one with the larger number makes the connection that they keep; called by the other one, it hangs up and calls
/// back, not where its own configuration says but at the address in this message (`QuorumCnxManager.InitialMessage` of the
/// server). So that has to be the proxy's, or half of the connections would lead past the proxies.
struct ElectionGreeting {
    private let callbackPort: Int
    private var held = ByteBuffer()
    private var isOver = false

    /// As the server limits it.
    private static let longestAddress: Int32 = 2048

    /// - Parameter callbackPort: Where the sender is to be called back, on 127.0.0.1.
    init(callbackPort: Int) {
        self.callbackPort = callbackPort
    }

    /// What the sender sends, with the other address; nothing while the message is not complete.
    mutating func replace(in bytes: ByteBuffer) -> ByteBuffer {
        guard !isOver else { return bytes }
        var bytes = bytes
        held.writeBuffer(&bytes)
        guard let version = held.getInteger(at: held.readerIndex, as: Int64.self) else { return ByteBuffer() }
        // An old server sends its number only.
        guard version < 0 else { return rest() }
        guard let length = held.getInteger(at: held.readerIndex + 16, as: Int32.self) else { return ByteBuffer() }
        guard (0...Self.longestAddress).contains(length) else { return rest() }
        guard held.readableBytes >= 20 + Int(length) else { return ByteBuffer() }
        let address = "127.0.0.1:\(callbackPort)"
        var message = ByteBuffer()
        // The version and the sender's number.
        if let head = held.readSlice(length: 16) { message.writeImmutableBuffer(head) }
        message.writeInteger(Int32(address.utf8.count))
        message.writeString(address)
        held.moveReaderIndex(forwardBy: 4 + Int(length))
        message.writeImmutableBuffer(rest())
        return message
    }

    /// What came and was not handed on, at the end of the connection.
    mutating func rest() -> ByteBuffer {
        isOver = true
        defer { held = ByteBuffer() }
        return held
    }
}
