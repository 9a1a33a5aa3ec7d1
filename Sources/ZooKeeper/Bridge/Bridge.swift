internal import CZooKeeper
import Locking

/// The transport over the C client: owns one `zhandle_t`.
///
/// C gets integers as contexts, never references: a watch's context also gets every event of the session and is not freed by
/// a close, and a close was measured to lose a fifth of the pending completions. The integers find their session through
/// ``BridgeTable`` and their request or watch in the session's tables; what is not there any more is ignored.
final class Bridge: Transport {
    struct Handle {
        var pointer: OpaquePointer?
        /// What the C client was told last. Told the same again, it would still shuffle the list and may reconnect.
        var hosts = ""
        /// Memory that the C client writes the results of transactions to, by the context of the request.
        var transactions: [UInt64: TransactionBuffer] = [:]
    }

    /// Marks the contexts of this bridge; from 1, as a context of all zeroes would be a null pointer.
    let number: UInt16
    /// Submitting holds the lock, so that no thread is inside a call with a handle that is being closed. The C client does not
    /// call back from within a submission.
    let handle = Locked(Handle())
    let logSlot: LogRouter.Slot
    let endpoint: Endpoint
    /// Opened by the answer to the last request of all.
    let lastAnswer = Latch()

    /// Where to connect, and as whom.
    struct Endpoint: Sendable {
        /// Numeric addresses: with host names the C client asks the resolver in every round of its loop, and spins when that fails.
        var hosts: String
        var chroot = Chroot()
        var tls: TLS?
        /// A session that exists, to take it over; `nil` for a new one.
        var identity: Identity?
    }

    init(_ endpoint: Endpoint, log: LogOutlet) throws(ZooKeeperError) {
        self.endpoint = endpoint
        guard let number = BridgeTable.reserve() else {
            throw ZooKeeperError(
                .tooManySessions, operation: "connect", detail: "65,535 sessions are open in this process: close some")
        }
        self.number = number
        logSlot = LogRouter.shared.take(log)
    }

    /// The session of this handle; `nil` before the first connection and when it is closed.
    var identity: Identity? {
        handle.withLock { handle in
            guard let clientID = handle.pointer.flatMap({ zoo_client_id($0)?.pointee }), clientID.client_id != 0 else {
                return nil
            }
            return Identity(clientID: clientID)
        }
    }

    var isConnected: Bool {
        handle.withLock { handle in handle.pointer.map { zoo_state($0) == ZOO_CONNECTED_STATE } ?? false }
    }

    /// The session has ended, as far as the C client knows.
    var isOver: Bool {
        handle.withLock { handle in handle.pointer.map { is_unrecoverable($0) != 0 } ?? true }
    }

    /// The handshake begins with the state "associating".
    var hasNoConnection: Bool {
        handle.withLock { handle in
            guard let state = handle.pointer.map({ zoo_state($0) }) else { return false }
            return state != ZOO_ASSOCIATING_STATE && state != ZOO_CONNECTED_STATE && state != ZOO_READONLY_STATE
        }
    }

    /// Connects to these numeric addresses from now on.
    ///
    /// - Returns: those from before.
    @discardableResult
    func setHosts(_ hosts: String) -> String {
        handle.withLock { handle in
            let previous = handle.hosts
            guard let pointer = handle.pointer, previous != hosts, !hosts.isEmpty else { return previous }
            handle.hosts = hosts
            zoo_set_servers(pointer, hosts)
            return previous
        }
    }

    /// Closes the handle: up to six seconds. Call it once, on a thread of its own: from one of the C client's own threads it
    /// would wait for itself.
    func close() {
        let pointer = handle.withLock { handle in
            let pointer = handle.pointer
            handle.pointer = nil
            if let pointer { askLast(pointer) }
            return pointer
        }
        if pointer != nil { lastAnswer.wait(atMost: .seconds(1)) }
        if let pointer { zookeeper_close(pointer) }
        // No thread of the C client is left that could write there.
        let transactions = handle.withLock { handle in
            let transactions = handle.transactions
            handle.transactions = [:]
            return transactions
        }
        _ = transactions
        BridgeTable.remove(number)
        LogRouter.shared.giveBack(logSlot)
    }

    /// The C client takes whatever answer comes for the one to its farewell, and drops the connection with the others unread. Then
    /// the server's side is reset, it may never read the farewell, and the session and its ephemeral znodes stay for a whole timeout
    /// (seen with a few hundred requests on their way). Answers come in order: when this one is there, so are all the others.
    private func askLast(_ pointer: OpaquePointer) {
        let isAsked =
            zoo_state(pointer) == ZOO_CONNECTED_STATE
            && zoo_awexists(pointer, "/", nil, nil, Callbacks.last, UnsafeRawPointer(context(0))) == 0
        if !isAsked { lastAnswer.open() }
    }

    /// The integer, dressed as a pointer, that C hands back with the answer or the event.
    func context(_ key: UInt64) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(UInt64(number) << 48 | key))
    }
}

/// Finds the session of a context.
enum BridgeTable {
    private struct State {
        var sessions: [UInt16: Session] = [:]
        var reserved: Set<UInt16> = []
        var last: UInt16 = 0
    }

    private static let state = Locked(State())

    /// A number that no other bridge has; `nil` when all are taken. Numbers are reused as late as possible.
    static func reserve() -> UInt16? {
        state.withLock { state in
            guard state.reserved.count < Int(UInt16.max) else { return nil }
            repeat { state.last &+= 1 } while state.last == 0 || state.reserved.contains(state.last)
            state.reserved.insert(state.last)
            return state.last
        }
    }

    static func register(_ session: Session, as number: UInt16) {
        state.withLock { $0.sessions[number] = session }
    }

    static func remove(_ number: UInt16) {
        let session = state.withLock { state in
            state.reserved.remove(number)
            return state.sessions.removeValue(forKey: number)
        }
        _ = session
    }

    /// The session and the key that a context means.
    static func resolve(_ context: UnsafeRawPointer?) -> (session: Session, key: UInt64)? {
        let bits = UInt64(UInt(bitPattern: context))
        guard let session = state.withLock({ $0.sessions[UInt16(bits >> 48)] }) else { return nil }
        return (session, bits & (1 << 48 - 1))
    }
}
