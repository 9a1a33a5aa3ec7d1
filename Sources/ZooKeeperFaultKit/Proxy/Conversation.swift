import NIOCore

/// One connection of a client as ZooKeeper's protocol sees it: which frame of the server answers which request.
///
/// The first frame each way is the handshake. Every other one begins with a number, the `xid`: that of the request, or a special
/// one (`ClientCnxn` of the Java client, `zookeeper.c` of the C client).
struct Conversation {
    struct Piece: Equatable {
        var bytes: ByteBuffer
        var kind: Kind
    }

    enum Kind: Equatable {
        /// The answer to a request of the client's user.
        case reply(Opcode)
        case watchEvent
        /// The handshake, pings, credentials, watches that are set again after a reconnect.
        case housekeeping
        /// No frame of ZooKeeper's protocol.
        case foreign
    }

    private var requests = FrameSplitter()
    private var replies = FrameSplitter()
    private var isRequestHandshakeDone = false
    private var isReplyHandshakeDone = false
    /// What was asked and not answered, by xid.
    private var pending: [Int32: Opcode] = [:]

    private enum SpecialXID {
        static let watchEvent: Int32 = -1
        static let housekeeping: Set<Int32> = [-2, -4, -8]
    }

    /// Notes what the client asks.
    mutating func request(_ bytes: ByteBuffer) {
        guard !requests.isForeign else { return }
        requests.append(bytes)
        while let frame = requests.next() {
            guard isRequestHandshakeDone else {
                isRequestHandshakeDone = true
                continue
            }
            guard let xid = frame.xid, let opcode = frame.getInteger(at: frame.readerIndex + 8, as: Int32.self),
                xid != SpecialXID.watchEvent, !SpecialXID.housekeeping.contains(xid)
            else { continue }
            pending[xid] = Opcode(rawValue: opcode)
        }
        // Nobody will ask for it again.
        if requests.isForeign { _ = requests.takeRest() }
    }

    /// Takes what the server sends, and gives it back in whole frames.
    mutating func reply(_ bytes: ByteBuffer) -> [Piece] {
        guard !requests.isForeign, !replies.isForeign else {
            return foreign(replies.takeRest()) + foreign(bytes)
        }
        replies.append(bytes)
        var pieces: [Piece] = []
        while let frame = replies.next() { pieces.append(Piece(bytes: frame, kind: kind(of: frame))) }
        return replies.isForeign ? pieces + foreign(replies.takeRest()) : pieces
    }

    /// What is left of the server's bytes at the end of its stream.
    mutating func replyEnded() -> [Piece] { foreign(replies.takeRest()) }

    private func foreign(_ bytes: ByteBuffer) -> [Piece] {
        bytes.readableBytes == 0 ? [] : [Piece(bytes: bytes, kind: .foreign)]
    }

    private mutating func kind(of frame: ByteBuffer) -> Kind {
        guard isReplyHandshakeDone else {
            isReplyHandshakeDone = true
            return .housekeeping
        }
        guard let xid = frame.xid else { return .foreign }
        if xid == SpecialXID.watchEvent { return .watchEvent }
        if SpecialXID.housekeeping.contains(xid) { return .housekeeping }
        guard let opcode = pending.removeValue(forKey: xid) else { return .foreign }
        return .reply(opcode)
    }
}

extension ByteBuffer {
    /// The number that a frame of ZooKeeper's protocol begins with, behind its length.
    fileprivate var xid: Int32? { getInteger(at: readerIndex + 4, as: Int32.self) }
}
