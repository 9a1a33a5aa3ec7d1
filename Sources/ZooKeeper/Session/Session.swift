import Locking
import Logging

/// One session with the ensemble: its pending requests, its watches, its connection.
///
/// A session ends once: by expiry, by refused credentials, by ``end(_:)``. What ephemeral znodes and watches it had ends with
/// it, so those who care about them keep the session they belong to, not the client, which goes on with the next session.
package final class Session: Sendable {
    package enum Event: Hashable, Sendable {
        /// Connected, for the `epoch`th time.
        case connected(epoch: UInt64)
        case suspended
        case ended(ZooKeeperError.Code)
    }

    package enum Link: Hashable, Sendable {
        case connecting, connected, suspended
        case ended(ZooKeeperError.Code)
    }

    package struct ObserverID: Hashable, Sendable { let key: UInt64 }

    // A closure alone, in a container for anything, is wrapped in another one, and there is one for each contender.
    struct Observer {
        let tell: @Sendable (Event) -> Void
    }

    struct Core {
        var requests = RequestTable()
        /// Requests that wait for a connection, in order. The C client would take them, and fail them with the next attempt to
        /// connect that fails.
        var parked: [(id: RequestID, request: Request)] = []
        var watches: WatchTable
        var link = Link.connecting
        var epoch: UInt64 = 0
        var id: Int64 = 0
        var timeout: Duration
        var server: String?
        var observers = SlotArray<Observer>()
        var sweep: (id: TimerThread.ID, due: Uptime)?
        var lease: Upkeep
        var putOff: [@Sendable () -> Void] = []
        /// Of each znode of which one is under way.
        var listings: [NodePath: Listing] = [:]
        var vacancies = Vacancies()
    }

    let core: Locked<Core>
    let carrier: Carrier
    let logger: Logger
    package let announcements = Announcements()
    /// Resolved when the C handle is closed and its threads are gone.
    let closed = Promise<Void>()

    /// Starts connecting. Events go to `observer` from the first one on.
    ///
    /// - Throws: what the transport refuses: no thread, no memory, no TLS.
    init(
        over carrier: Carrier,
        chroot: NodePath = .root,
        timeout: Duration,
        credentials: [Credential] = [],
        lease: LeaseSettings = LeaseSettings(),
        logger: Logger,
        observer: @escaping @Sendable (Session, Event) -> Void
    ) throws(ZooKeeperError) {
        self.carrier = carrier
        self.logger = logger
        let prefixLength = chroot == .root ? 0 : chroot.string.utf8.count
        core = Locked(
            Core(
                watches: WatchTable(prefixLength: prefixLength), timeout: timeout,
                lease: Upkeep(lease, timeout: timeout)))
        _ = observe { [weak self] event in
            if let self { observer(self, event) }
        }
        // Ahead of everything else: requests that wait for the connection are sent in order. An answer is not awaited; a
        // credential that is refused ends the session.
        core.withLock { $0.lease.clock.sawNoConnection(at: .now) }
        for credential in credentials { submit(.authenticate(credential), deadline: .now + timeout) { _ in } }
        do {
            try carrier.open(timeout: timeout, for: self)
        } catch {
            carrier.close()
            closed.resolve(())
            throw error
        }
    }

    // MARK: What it is

    package var link: Link { core.withLock { $0.link } }
    /// How many connections there have been.
    package var epoch: UInt64 { core.withLock { $0.epoch } }
    /// The number that the server gave the session; 0 before the first connection.
    package var id: Int64 { core.withLock { $0.id } }
    /// The session timeout: as asked for, and from the first connection on as the server agreed to it.
    package var timeout: Duration { core.withLock { $0.timeout } }

    /// The server that the session is connected to, as a numeric address and a port; `nil` while there is none.
    var server: String? { core.withLock { $0.server } }

    // MARK: Observers

    /// Calls `observer` with each event from now on, on a thread of the C client, in order with answers and watches.
    ///
    /// - Returns: also the link as of this instant: the first event is told against it.
    package func observe(_ observer: @escaping @Sendable (Event) -> Void) -> (ObserverID, Link) {
        core.withLock { (ObserverID(key: $0.observers.insert(Observer(tell: observer))), $0.link) }
    }

    package func removeObserver(_ id: ObserverID) {
        let observer = core.withLock { $0.observers.remove(id.key) }
        _ = observer
    }

    func notify(_ event: Event) {
        let observers = core.withLock { core in
            var observers: [Observer] = []
            core.observers.forEach { observers.append($1) }
            return observers
        }
        for observer in observers { observer.tell(event) }
    }

    // MARK: The end

    /// Ends the session on this side: whoever waits for an answer or a watch is told `code`, once, before this returns. The C
    /// handle is closed on a thread of its own, which takes up to six seconds; await ``closed`` for that.
    package func end(_ code: ZooKeeperError.Code) {
        let ended = core.withLock {
            core -> (requests: [RequestTable.Entry], watches: [WatchTable.Handler])? in
            if case .ended = core.link { return nil }
            core.link = .ended(code)
            if let sweep = core.sweep { TimerThread.shared.cancel(sweep.id) }
            core.sweep = nil
            if let timer = core.lease.timer { TimerThread.shared.cancel(timer.id) }
            core.lease.timer = nil
            core.parked = []
            return (core.requests.removeAll(), core.watches.removeAll())
        }
        guard let ended else { return }
        notify(.ended(code))
        for entry in ended.requests {
            entry.completion(.failure(entry.failure(Refusal(code: code, mayBeExecuted: true))))
        }
        for handler in ended.watches { handler(.failure(RequestFailure(code))) }
        DetachedThread.start("zk-close") { [self] in
            carrier.close()
            closed.resolve(())
        }
    }
}
