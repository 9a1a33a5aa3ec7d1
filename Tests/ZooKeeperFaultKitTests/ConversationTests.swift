import NIOCore
import Testing

@testable import ZooKeeperFaultKit

@Suite struct ConversationTests {
    private var conversation = Conversation()

    private func frame(_ numbers: Int32..., padding: Int = 0) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(Int32(numbers.count * 4 + padding))
        for number in numbers { buffer.writeInteger(number) }
        buffer.writeRepeatingByte(0, count: padding)
        return buffer
    }

    private func joined(_ buffers: ByteBuffer...) -> ByteBuffer {
        buffers.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }

    private mutating func handshake() {
        conversation.request(frame(0, padding: 40))
        let pieces = conversation.reply(frame(0, padding: 33))
        #expect(pieces == [.init(bytes: frame(0, padding: 33), kind: .housekeeping)])
    }

    @Test mutating func `A reply is known by the number of its request`() {
        handshake()
        conversation.request(joined(frame(100, 15, padding: 30), frame(101, 12)))
        let pieces = conversation.reply(joined(frame(100, 0, 9, 0), frame(101, 0, 9, 0, padding: 5)))
        #expect(pieces.map(\.kind) == [.reply(.create2), .reply(.getChildren2)])
        #expect(pieces.map(\.bytes) == [frame(100, 0, 9, 0), frame(101, 0, 9, 0, padding: 5)])
    }

    @Test(arguments: [
        (Int32(-1), Conversation.Kind.watchEvent), (-2, .housekeeping), (-4, .housekeeping), (-8, .housekeeping),
    ])
    mutating func `Special numbers are no replies`(xid: Int32, kind: Conversation.Kind) {
        handshake()
        if xid != -1 { conversation.request(frame(xid, 11)) }
        let pieces = conversation.reply(frame(xid, 0, 0, 0))
        #expect(pieces.map(\.kind) == [kind])
    }

    @Test mutating func `Frames may arrive byte by byte`() {
        handshake()
        for byte in frame(7, 2, padding: 3).readableBytesView { conversation.request(ByteBuffer(bytes: [byte])) }
        let reply = frame(7, 0, 1, 0)
        var pieces: [Conversation.Piece] = []
        for byte in reply.readableBytesView { pieces += conversation.reply(ByteBuffer(bytes: [byte])) }
        #expect(pieces == [.init(bytes: reply, kind: .reply(.delete))])
    }

    @Test mutating func `Half a frame waits, and is given back at the end`() {
        handshake()
        conversation.request(frame(7, 2))
        let half = ByteBuffer(bytes: [0, 0, 0, 16, 0, 0])
        #expect(conversation.reply(half) == [])
        #expect(conversation.replyEnded() == [.init(bytes: half, kind: .foreign)])
        #expect(conversation.replyEnded() == [])
    }

    @Test mutating func `A number may come again after its reply`() {
        handshake()
        for opcode in [Opcode.create, .delete] {
            conversation.request(frame(7, opcode.rawValue))
            #expect(conversation.reply(frame(7, 0, 1, 0)).map(\.kind) == [.reply(opcode)])
        }
        // Nobody asked.
        #expect(conversation.reply(frame(7, 0, 1, 0)).map(\.kind) == [.foreign])
    }

    @Test mutating func `A four-letter word and its answer pass as they are`() {
        conversation.request(ByteBuffer(string: "srvr"))
        let first = ByteBuffer(bytes: [0, 0])
        let second = ByteBuffer(string: "Zookeeper version")
        #expect(conversation.reply(first) == [.init(bytes: first, kind: .foreign)])
        #expect(conversation.reply(second) == [.init(bytes: second, kind: .foreign)])
    }

    @Test(arguments: [Int32(-1), .min, .max, 64 << 20 + 1])
    mutating func `What cannot be a length is foreign from there on`(length: Int32) {
        handshake()
        conversation.request(frame(7, 2))
        var nonsense = ByteBuffer()
        nonsense.writeInteger(length)
        nonsense.writeString("rest")
        let pieces = conversation.reply(joined(frame(7, 0, 1, 0), nonsense))
        #expect(pieces.map(\.kind) == [.reply(.delete), .foreign])
        #expect(pieces.last?.bytes == nonsense)
        #expect(conversation.reply(nonsense).map(\.bytes) == [nonsense])
    }

    @Test mutating func `Frames that are too short for a number do no harm`() {
        handshake()
        conversation.request(joined(frame(), frame(3), ByteBuffer(bytes: [0, 0, 0, 2, 1, 1])))
        let pieces = conversation.reply(joined(frame(), ByteBuffer(bytes: [0, 0, 0, 1, 9])))
        #expect(pieces.map(\.kind) == [.foreign, .foreign])
        #expect(pieces.map(\.bytes.readableBytes) == [4, 5])
    }

    @Test func `A countdown counts what it is asked to`() {
        var any = ReplyCountdown(ReplyDrop(), number: 3, opcode: nil)
        let all = [Opcode.create2, .getData, .delete].map { any.isOver(with: $0) }
        #expect(all == [false, false, true])
        var second = ReplyCountdown(ReplyDrop(), number: 2, opcode: .delete)
        let some = [Opcode.delete, .getData, .create2, .delete].map { second.isOver(with: $0) }
        #expect(some == [false, false, false, true])
        var first = ReplyCountdown(ReplyDrop(), number: 0, opcode: nil)
        let isFirst = first.isOver(with: .exists)
        #expect(isFirst)
    }
}
