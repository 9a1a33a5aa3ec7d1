/// Carries the requests of one session to an ensemble, and brings back answers and events.
///
/// The C client is one (``Bridge``); an ensemble in memory is another. Answers, watches and changes of the connection are told to the
/// session one at a time, in the order in which the ensemble gave them: ``Session/complete(_:_:)``, ``Session/fired(_:_:)``,
/// ``Session/linkChanged(_:)``.
package protocol Transport: AnyObject, Sendable {
    /// Begins to connect. Events may arrive before this returns.
    ///
    /// - Parameter timeout: the session timeout to ask for.
    func open(timeout: Duration, for session: Session) throws(ZooKeeperError)

    /// There is no connection now, and none is being agreed upon with a server. When in doubt, false.
    var hasNoConnection: Bool { get }

    /// Hands a request over.
    ///
    /// - Returns: why it was not taken; `nil` when it was, and an answer will come.
    func submit(_ request: Request, _ id: RequestID) -> Refusal?

    /// Ends the session if there is a connection, and all that runs for it. Called once; may block.
    func close()
}

/// Why a request has no good answer.
package struct Refusal: Error, Hashable, Sendable {
    package var code: ZooKeeperError.Code
    /// False when the server said no, or the request was never handed over.
    package var mayBeExecuted: Bool
    /// For a transaction: the index of the operation that failed it.
    package var failedOperation: Int?
    package var detail: String

    package init(
        code: ZooKeeperError.Code, mayBeExecuted: Bool, failedOperation: Int? = nil, detail: String = ""
    ) {
        self.code = code
        self.mayBeExecuted = mayBeExecuted
        self.failedOperation = failedOperation
        self.detail = detail
    }
}

/// The transport of a session. The one that matters is called directly, not through an existential.
enum Carrier: Sendable {
    case bridge(Bridge)
    case other(any Transport)

    func submit(_ request: Request, _ id: RequestID) -> Refusal? {
        switch self {
        case .bridge(let bridge): bridge.submit(request, id)
        case .other(let transport): transport.submit(request, id)
        }
    }

    func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {
        switch self {
        case .bridge(let bridge): try bridge.open(timeout: timeout, for: session)
        case .other(let transport): try transport.open(timeout: timeout, for: session)
        }
    }

    func close() {
        switch self {
        case .bridge(let bridge): bridge.close()
        case .other(let transport): transport.close()
        }
    }

    var hasNoConnection: Bool {
        switch self {
        case .bridge(let bridge): bridge.hasNoConnection
        case .other(let transport): transport.hasNoConnection
        }
    }

    var bridge: Bridge? {
        if case .bridge(let bridge) = self { bridge } else { nil }
    }
}
