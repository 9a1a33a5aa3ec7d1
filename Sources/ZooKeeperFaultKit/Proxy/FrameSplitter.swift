import NIOCore

/// Cuts a stream of ZooKeeper's protocol into its frames: four bytes of length, and so many bytes.
struct FrameSplitter {
    private var held = ByteBuffer()
    /// Whether the stream turned out to be something else, a four-letter word for example.
    private(set) var isForeign = false

    /// No server sends or takes more: `jute.maxbuffer` is 1 MB as shipped. The text of a four-letter word, read as a length, is
    /// far beyond.
    private static let longest = 64 << 20

    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        held.writeBuffer(&bytes)
    }

    /// The next whole frame, its length included; `nil` when more has to arrive first, or the stream is foreign.
    mutating func next() -> ByteBuffer? {
        guard !isForeign, let length = held.getInteger(at: held.readerIndex, as: Int32.self) else { return nil }
        guard (0...Self.longest).contains(Int(length)) else {
            isForeign = true
            return nil
        }
        guard let frame = held.readSlice(length: 4 + Int(length)) else { return nil }
        held.discardReadBytes()
        return frame
    }

    /// What has arrived and is no whole frame.
    mutating func takeRest() -> ByteBuffer {
        defer { held = ByteBuffer() }
        return held
    }
}
