import Glibc
import NIOCore

/// One connection through the proxy, with its two ends. Belongs to the proxy's event loop.
final class Relay {
    private enum End {
        /// Not connected yet.
        case awaited
        case open(any Channel)
        case gone
    }

    let number: Int
    private let core: ProxyCore
    private var client: End
    private var server = End.awaited
    private var isConnecting = false
    private var isCut = false
    /// Nothing that arrives matters any more.
    private var isDoomed = false
    private var isFinished = false
    private var toServer: Flow
    private var toClient: Flow
    /// `nil` where the proxy does not look into what it carries.
    private var conversation: Conversation?
    /// Between members that elect a leader.
    private var greeting: ElectionGreeting?
    private var timers: [Side: Scheduled<Void>] = [:]
    /// The last write to each end; what closes it comes behind.
    private var lastWrites: [Side: EventLoopFuture<Void>] = [:]
    private var over: EventLoopPromise<Void>?

    /// Completed when both ends are closed.
    var finished: EventLoopFuture<Void> {
        if isFinished { return core.eventLoop.makeSucceededVoidFuture() }
        let over = over ?? core.eventLoop.makePromise()
        self.over = over
        return over.futureResult
    }

    init(_ number: Int, client: any Channel, of core: ProxyCore, _ conditions: ConditionsBothWays) {
        self.number = number
        self.core = core
        self.client = .open(client)
        toServer = Flow(conditions.toServer)
        toClient = Flow(conditions.toClient)
        conversation = core.carries == .clients ? Conversation() : nil
        greeting = core.target()?.callbackPort.map { ElectionGreeting(callbackPort: $0) }
    }

    /// Begins. To be called once, in the relay's event loop.
    func start() {
        if case .open(let channel) = client { follow(channel, .client) }
        connectIfPossible()
    }

    /// A frozen way to the server swallows the first packet of a new connection as well: that one is made after the thaw.
    private func connectIfPossible() {
        guard case .awaited = server, !isConnecting, !isCut, !toServer.conditions.isFrozen else { return }
        isConnecting = true
        core.connect(for: self).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                guard channel.isActive, !self.isCut else {
                    channel.close(promise: nil)
                    return self.gone(.server)
                }
                self.server = .open(channel)
                self.follow(channel, .server)
                self.pump(.server)
            case .failure:
                self.connectFailed()
            }
        }
    }

    /// A client is told by an end. A member that calls another one a moment before that one listens would be refused by the kernel
    /// and try again at once, but whose connection is made and ends goes back to an election, which can cost the ensemble ten
    /// seconds; so it waits.
    private func connectFailed() {
        guard core.carries == .bytes, case .open = client, !isCut, !toServer.hasEnded else { return gone(.server) }
        core.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) {
            self.isConnecting = false
            if self.isCut { self.gone(.server) } else { self.connectIfPossible() }
        }
    }

    // MARK: What arrives

    func received(_ bytes: ByteBuffer, from side: Side) {
        guard !isDoomed else { return }
        switch side {
        case .client:
            conversation?.request(bytes)
            let bytes = greeting?.replace(in: bytes) ?? bytes
            if bytes.readableBytes > 0 { send(.bytes(bytes), to: .server) }
        case .server:
            guard let pieces = conversation?.reply(bytes) else { return send(.bytes(bytes), to: .client) }
            hand(pieces)
        }
    }

    private func hand(_ pieces: [Conversation.Piece]) {
        for piece in pieces {
            switch piece.kind {
            case .reply(let opcode):
                if core.isToBeDropped(opcode, on: number) {
                    isDoomed = true
                    // The client gets what came before, then the end.
                    send(.cut, to: .client)
                    close(.server)
                    return
                }
            case .watchEvent: core.report.tell(.watchEvent(connection: number))
            case .housekeeping, .foreign: break
            }
            send(.bytes(piece.bytes), to: .client)
        }
    }

    /// This end sends nothing more.
    func ended(_ side: Side) {
        if side == .server, !isDoomed, let rest = conversation?.replyEnded() { hand(rest) }
        if side == .client, !isDoomed, let rest = greeting?.rest(), rest.readableBytes > 0 {
            send(.bytes(rest), to: .server)
        }
        send(.end, to: side.other)
    }

    /// This end is closed, in whatever way.
    func gone(_ side: Side) {
        if case .gone = end(side) { return }
        set(side, .gone)
        flow(to: side) { $0.discard() }
        timers.removeValue(forKey: side)?.cancel()
        ended(side)
        // The other end was told before that this one sends nothing more; now nothing that it sends arrives either.
        if flow(to: side.other, { $0.isOver }) { afterLastWrite(to: side.other) { self.close(side.other) } }
        // The end of one may have been that of the other, by now.
        if !isFinished, case .gone = client, case .gone = server {
            isFinished = true
            core.removed(self)
            over?.succeed(())
        }
    }

    /// Not by `channelInactive`: a channel that is closed before it was ever active has none.
    private func follow(_ channel: any Channel, _ side: Side) {
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.gone(side) }
    }

    // MARK: What departs

    func apply(_ conditions: ConditionsBothWays) {
        toServer.apply(conditions.toServer, at: .now)
        toClient.apply(conditions.toClient, at: .now)
        connectIfPossible()
        pump(.server)
        pump(.client)
    }

    var conditions: ConditionsBothWays {
        ConditionsBothWays(toServer: toServer.conditions, toClient: toClient.conditions)
    }

    private func send(_ item: Flow.Item, to side: Side) {
        flow(to: side) { $0.append(item, at: .now, using: &core.generator) }
        pump(side)
    }

    /// Hands on what is due.
    private func pump(_ side: Side) {
        timers.removeValue(forKey: side)?.cancel()
        guard case .open(let channel) = end(side) else { return }
        while let item = flow(to: side, { $0.next(at: .now) }) { deliver(item, to: side, channel) }
        guard let due = flow(to: side, { $0.nextDue }) else { return }
        timers[side] = core.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(max(.zero, due - .now))) {
            self.pump(side)
        }
    }

    private func deliver(_ item: Flow.Item, to side: Side, _ channel: any Channel) {
        switch item {
        case .bytes(let bytes):
            core.count(bytes.readableBytes, side)
            lastWrites[side] = channel.writeAndFlush(bytes)
        case .end:
            afterLastWrite(to: side) {
                if case .gone = self.end(side.other) {
                    channel.close(promise: nil)
                } else {
                    channel.close(mode: .output, promise: nil)
                }
            }
        case .cut:
            afterLastWrite(to: side) { self.cut(reset: false) }
        }
    }

    private func afterLastWrite(to side: Side, _ action: @escaping () -> Void) {
        guard let write = lastWrites[side] else { return action() }
        write.assumeIsolated().whenComplete { _ in action() }
    }

    // MARK: The end

    /// Closes both ends now; what is on its way is dropped.
    ///
    /// - Parameter reset: The ends see a reset instead of an orderly end.
    func cut(reset: Bool) {
        isCut = true
        isDoomed = true
        toServer.discard()
        toClient.discard()
        close(.client, reset: reset)
        close(.server, reset: reset)
    }

    private func close(_ side: Side, reset: Bool = false) {
        switch end(side) {
        case .open(let channel):
            if reset, let socket = channel as? any SocketOptionProvider {
                // Done before this returns, since this is the channel's own thread.
                _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            channel.close(promise: nil)
        case .awaited:
            // The attempt to connect sees that it came too late.
            if !isConnecting { gone(side) }
        case .gone: break
        }
    }

    // MARK: The two sides

    private func end(_ side: Side) -> End { side == .client ? client : server }

    private func set(_ side: Side, _ end: End) {
        if side == .client { client = end } else { server = end }
    }

    @discardableResult
    private func flow<R>(to side: Side, _ body: (inout Flow) -> R) -> R {
        side == .client ? body(&toClient) : body(&toServer)
    }
}
