import Glibc
import NIOCore
import ZooKeeperTestKit
import NIOPosix
import ZooKeeper

/// The listener of a proxy and its connections. Belongs to one event loop, so nothing in it needs a lock.
final class ProxyCore {
    typealias Target = FaultProxy.Target

    let eventLoop: any EventLoop
    let port: Int
    let carries: FaultProxy.Cargo
    let report: Report
    var generator: SeededGenerator
    let target: @Sendable () -> Target?
    /// For connections to come.
    private var conditions = ConditionsBothWays()
    private var refusal: FaultProxy.Refusal?
    private var countdown: ReplyCountdown?
    private var relays: [Int: Relay] = [:]
    private var lastNumber = 0
    private var listener: (any Channel)?
    /// Opens and closes of the listener, one after the other.
    private var listening: EventLoopFuture<Void>
    private var isClosed = false
    private var hasListened = false

    /// How long a port that somebody else has taken meanwhile is waited for.
    private static let patience = TimeAmount.seconds(60)

    init(
        on eventLoop: any EventLoop, port: Int, carries: FaultProxy.Cargo, seed: UInt64, report: Report,
        target: @escaping @Sendable () -> Target?
    ) {
        self.eventLoop = eventLoop
        self.port = port
        self.carries = carries
        self.report = report
        self.target = target
        generator = SeededGenerator(seed: seed)
        listening = eventLoop.makeSucceededVoidFuture()
    }

    // MARK: Listening

    /// Listens, or stops to. Completed when that is so.
    func listen(_ wanted: Bool) -> EventLoopFuture<Void> {
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        listening = listening.flatMapError { _ in core.value.eventLoop.makeSucceededVoidFuture() }
            .flatMap { core.value.listenNow(wanted) }
        return listening
    }

    private func listenNow(_ wanted: Bool) -> EventLoopFuture<Void> {
        guard wanted, !isClosed else {
            guard let listener else { return eventLoop.makeSucceededVoidFuture() }
            self.listener = nil
            return listener.close()
        }
        guard listener == nil else { return eventLoop.makeSucceededVoidFuture() }
        return bind(until: hasListened ? .now() + Self.patience : .now())
    }

    /// While nobody listens the port is anybody's; whoever took it, as a server of another test, mostly goes again.
    private func bind(until end: NIODeadline) -> EventLoopFuture<Void> {
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        return bindNow().flatMapError { error in
            guard .now() < end, !core.value.isClosed, core.value.refusal != .atConnect else {
                return core.value.eventLoop.makeFailedFuture(error)
            }
            return core.value.eventLoop.scheduleTask(in: .milliseconds(50)) {}.futureResult.flatMap {
                core.value.bind(until: end)
            }
        }
    }

    private func bindNow() -> EventLoopFuture<Void> {
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        return ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try core.value.accepted(channel) }
            }
            .bind(host: "127.0.0.1", port: port)
            .map {
                core.value.listener = $0
                core.value.hasListened = true
            }
    }

    private func accepted(_ channel: any Channel) throws {
        guard !isClosed, refusal == nil else {
            report.count { $0.refused += 1 }
            report.tell(.refused)
            channel.close(promise: nil)
            return
        }
        lastNumber += 1
        let relay = Relay(lastNumber, client: channel, of: self, conditions)
        try channel.pipeline.syncOperations.addHandler(RelayEnd(relay, .client))
        relays[relay.number] = relay
        report.count {
            $0.connections += 1
            $0.openConnections += 1
        }
        report.tell(.opened(connection: relay.number))
        relay.start()
    }

    /// Connects to the target for that connection.
    func connect(for relay: Relay) -> EventLoopFuture<any Channel> {
        guard let target = target() else {
            return eventLoop.makeFailedFuture(IOError(errnoCode: ECONNREFUSED, reason: "the proxy has no target yet"))
        }
        let relay = NIOLoopBound(relay, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RelayEnd(relay.value, .server))
                }
            }
            .connect(host: target.host, port: target.port)
    }

    func removed(_ relay: Relay) {
        relays[relay.number] = nil
        report.count { $0.openConnections -= 1 }
        report.tell(.closed(connection: relay.number))
    }

    func count(_ bytes: Int, _ side: Side) {
        report.count { counters in
            switch side {
            case .client: counters.bytesToClient += bytes
            case .server: counters.bytesToServer += bytes
            }
        }
    }

    // MARK: Faults

    func change(_ directions: Directions, _ reach: Reach, _ change: (inout Conditions) -> Void) {
        if reach.includesNew { conditions.change(directions, change) }
        guard reach.includesOpen else { return }
        for relay in relays.values.sorted(by: { $0.number < $1.number }) {
            var conditions = relay.conditions
            conditions.change(directions, change)
            relay.apply(conditions)
        }
    }

    func refuse(_ refusal: FaultProxy.Refusal?) -> EventLoopFuture<Void> {
        self.refusal = refusal
        return listen(refusal != .atConnect)
    }

    /// Completed when all connections are closed.
    func cut(reset: Bool) -> EventLoopFuture<Void> {
        let open = relays.values.sorted { $0.number < $1.number }
        for relay in open { relay.cut(reset: reset) }
        return .andAllComplete(open.map(\.finished), on: eventLoop)
    }

    func arm(_ countdown: ReplyCountdown?) {
        self.countdown?.drop.outcome.resolve(nil)
        self.countdown = countdown
        if isClosed { countdown?.drop.outcome.resolve(nil) }
    }

    /// Counts a reply.
    func isToBeDropped(_ opcode: Opcode, on connection: Int) -> Bool {
        let isDropped = countdown?.isOver(with: opcode) ?? false
        report.count {
            $0.replies += 1
            if isDropped { $0.repliesDropped += 1 }
        }
        guard isDropped, let countdown else { return false }
        self.countdown = nil
        let reply = FaultProxy.DroppedReply(connection: connection, number: countdown.number, opcode: opcode)
        report.tell(.replyDropped(reply))
        countdown.drop.outcome.resolve(reply)
        return true
    }

    /// Completed when nothing is open any more.
    func close() -> EventLoopFuture<Void> {
        isClosed = true
        arm(nil)
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        return listen(false).flatMap { core.value.cut(reset: false) }
    }
}
