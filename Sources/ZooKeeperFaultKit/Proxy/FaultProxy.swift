import Locking
import NIOCore
import NIOPosix
import ZooKeeper
public import ZooKeeperTestKit

/// A TCP proxy for tests, between a client and a server or between members of an ensemble, whose faults can be switched at run
/// time.
///
/// ```swift
/// try await FaultProxy.with(to: server) { proxy in
///     // connect to proxy.connectString
///     let drop = await proxy.dropReply(1, to: .create2)
///     // create a znode: the server executes it, the client is told nothing and loses its connection
///     await drop.dropped()
/// }
/// ```
///
/// It listens on a free port of 127.0.0.1 and begins without any fault. When `with` returns, by whatever way, all connections
/// and descriptors are closed. What cannot be handed on is kept in memory, without a limit.
///
/// All methods may be called from any task, and are not cut short by cancellation. Each returns when the proxy is as it was told
/// to be. After the end of `with` they do nothing.
public final class FaultProxy: Sendable {
    /// Where connections lead to.
    struct Target: Hashable, Sendable {
        var host: String
        var port: Int
        /// For the election port of a member: where whoever connects is to be called back.
        var callbackPort: Int?
    }

    /// What a proxy carries.
    enum Cargo: Sendable {
        /// ZooKeeper's protocol for clients. It is looked into, so that replies can be counted; anything else passes as it is.
        case clients
        /// Anything.
        case bytes
    }

    /// How new connections are turned away.
    public enum Refusal: Hashable, Sendable {
        /// Nobody listens: the client's connect fails.
        case atConnect
        /// The connection is made, and closed at once.
        case afterAccept
    }

    /// Kept until nobody can connect any more.
    private let reservation: PortReservation
    private let destination: Destination
    private let eventLoop: any EventLoop
    private let core: NIOLoopBound<ProxyCore>
    private let report: Report
    private let isClosed = Flag()

    /// Listens on a free port.
    ///
    /// - Parameter target: `nil`: ``lead(to:)`` says it before the first connection.
    /// - Throws: `noFreePort`.
    init(to target: Target?, carries cargo: Cargo, seed: UInt64, on eventLoop: any EventLoop) async throws(TestKitError)
    {
        let reservation = try PortReservation.any()
        let port = reservation.port
        let (report, destination) = (Report(), Destination(target))
        self.reservation = reservation
        self.report = report
        self.eventLoop = eventLoop
        self.destination = destination
        do {
            core = try await eventLoop.submit {
                let core = ProxyCore(on: eventLoop, port: port, carries: cargo, seed: seed, report: report) {
                    destination.current
                }
                return NIOLoopBound(core, eventLoop: eventLoop)
            }.get()
            try await eventLoop.flatSubmit { [core] in core.value.listen(true) }.get()
        } catch {
            throw TestKitError(.noFreePort, "The proxy cannot listen on 127.0.0.1:\(port): \(error).")
        }
    }

    /// Runs `body` with a proxy in front of a server.
    ///
    /// - Parameters:
    ///   - host: Where connections lead to: a name or a numeric address.
    ///   - port: The port there.
    ///   - seed: Of the jitter of delays.
    ///   - isolation: The actor on which `body` runs.
    ///   - body: What to do with the proxy. Do not use the proxy after it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, and `TestKitError` with the code `noFreePort`.
    public static func with<R>(
        to host: String = "127.0.0.1", _ port: Int, seed: UInt64 = 0,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (FaultProxy) async throws -> sending R
    ) async throws -> sending R {
        try await ProxyThread.with { eventLoop in
            let target = Target(host: host, port: port)
            let proxy = try await FaultProxy(to: target, carries: .clients, seed: seed, on: eventLoop)
            let result: R
            do {
                result = try await body(proxy)
            } catch {
                await proxy.close()
                throw error
            }
            await proxy.close()
            return result
        }
    }

    /// Runs `body` with a proxy between the clients and a test server or a member of an ensemble. It may restart meanwhile.
    ///
    /// - Parameters:
    ///   - server: Where connections lead to.
    ///   - seed: Of the jitter of delays.
    ///   - isolation: The actor on which `body` runs.
    ///   - body: What to do with the proxy. Do not use the proxy after it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, and `TestKitError` with the code `noFreePort`.
    public static func with<R>(
        to server: TestServer, seed: UInt64 = 0,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (FaultProxy) async throws -> sending R
    ) async throws -> sending R {
        try await with(server.port, seed: seed, isolation: isolation, body)
    }

    /// The address for a client, such as `127.0.0.1:12345`.
    public var connectString: String { "127.0.0.1:\(port)" }
    /// The port on which the proxy listens.
    public var port: Int { reservation.port }

    /// What the proxy has seen until now.
    public var counters: Counters { report.counters }

    /// What happens from this moment on. Every call makes an independent sequence, which misses nothing and ends with the proxy.
    public var events: some AsyncSequence<Event, Never> & Sendable { report.events() }

    /// Says where connections lead to from now on.
    func lead(to target: Target) {
        destination.current = target
    }

    /// Runs `body` on the thread of the proxy. Says whether it did: it does not after the end.
    @discardableResult
    func run(_ body: @escaping @Sendable (ProxyCore) -> Void) async -> Bool {
        await complete { core in
            body(core)
            return core.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// The same for what takes time.
    @discardableResult
    func complete(_ body: @escaping @Sendable (ProxyCore) -> EventLoopFuture<Void>) async -> Bool {
        guard !isClosed.isSet else { return false }
        let done: Void? = try? await eventLoop.flatSubmit { [core] in body(core.value) }.get()
        return done != nil
    }

    /// Closes the listener and all connections. Returns when they are closed.
    func close() async {
        await complete { $0.close() }
        isClosed.set()
        report.finish()
    }
}

/// Where the connections of a proxy lead to. Set from any thread: an ensemble knows its ports only when its proxies listen.
private final class Destination: Sendable {
    private let target: Locked<FaultProxy.Target?>

    init(_ target: FaultProxy.Target?) {
        self.target = Locked(target)
    }

    var current: FaultProxy.Target? {
        get { target.withLock { $0 } }
        set { target.withLock { $0 = newValue } }
    }
}

private final class Flag: Sendable {
    private let value = Locked(false)

    var isSet: Bool { value.withLock { $0 } }

    func set() { value.withLock { $0 = true } }
}
