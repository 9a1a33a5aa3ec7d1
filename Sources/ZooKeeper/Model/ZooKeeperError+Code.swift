extension ZooKeeperError {
    /// The kind of an error. New kinds may be added; a code of the server that has no name here is ``server(_:)``.
    public struct Code: Hashable, Sendable {
        private enum Kind: Hashable {
            case noNode, nodeExists, notEmpty, badVersion, noChildrenForEphemerals
            case notAuthorized, authenticationFailed, invalidACL, quotaExceeded
            case connectionLost, requestTimedOut, sessionExpired, sessionMoved, throttled, notReadOnly
            case connectTimedOut, notZooKeeper, hostNotFound, chrootMissing
            case closed, cancelled, tooManyWatches, tooManySessions
            case invalidArgument, invalidConnectString, invalidPath, invalidTimeout, dataTooLarge
            case unimplemented, internalInconsistency, sequenceExhausted
            case rolledBack
            case server(Int32)
        }
        private let kind: Kind

        // Answers of the server about the request.
        public static let noNode = Code(kind: .noNode)
        public static let nodeExists = Code(kind: .nodeExists)
        public static let notEmpty = Code(kind: .notEmpty)
        public static let badVersion = Code(kind: .badVersion)
        /// The parent is ephemeral, and ephemeral znodes have no children.
        public static let noChildrenForEphemerals = Code(kind: .noChildrenForEphemerals)
        /// The ACL of the znode (or of its parent) does not let this client do that.
        public static let notAuthorized = Code(kind: .notAuthorized)
        public static let authenticationFailed = Code(kind: .authenticationFailed)
        public static let invalidACL = Code(kind: .invalidACL)
        public static let quotaExceeded = Code(kind: .quotaExceeded)
        /// The server was too busy and did not execute the request.
        public static let throttled = Code(kind: .throttled)
        /// A write reached a server that is in read-only mode.
        public static let notReadOnly = Code(kind: .notReadOnly)
        /// The server does not know this operation, or it is switched off there.
        public static let unimplemented = Code(kind: .unimplemented)
        /// This operation of a transaction was not executed because another one of it failed.
        public static let rolledBack = Code(kind: .rolledBack)

        // The connection and the session.
        /// The connection broke before an answer arrived.
        public static let connectionLost = Code(kind: .connectionLost)
        /// No answer within the client's `requestTimeout`.
        public static let requestTimedOut = Code(kind: .requestTimedOut)
        /// The session is over and its ephemeral znodes with it; the client opens a new one by itself.
        public static let sessionExpired = Code(kind: .sessionExpired)
        public static let sessionMoved = Code(kind: .sessionMoved)
        /// No server answered as ZooKeeper within the client's `connectTimeout`.
        public static let connectTimedOut = Code(kind: .connectTimedOut)
        /// Something answered at that address, but it does not speak ZooKeeper's protocol.
        public static let notZooKeeper = Code(kind: .notZooKeeper)
        public static let hostNotFound = Code(kind: .hostNotFound)
        /// The znode that the connect string names as the root of this client does not exist.
        public static let chrootMissing = Code(kind: .chrootMissing)
        /// The client was closed.
        public static let closed = Code(kind: .closed)
        /// The calling task was cancelled.
        public static let cancelled = Code(kind: .cancelled)

        // Refused before anything was sent.
        public static let invalidArgument = Code(kind: .invalidArgument)
        public static let invalidConnectString = Code(kind: .invalidConnectString)
        public static let invalidPath = Code(kind: .invalidPath)
        public static let invalidTimeout = Code(kind: .invalidTimeout)
        public static let dataTooLarge = Code(kind: .dataTooLarge)
        /// One more watch would make the packet that re-sets them after a reconnect too large for the server.
        public static let tooManyWatches = Code(kind: .tooManyWatches)
        public static let tooManySessions = Code(kind: .tooManySessions)
        /// The C client reported a state that it should never be in.
        public static let internalInconsistency = Code(kind: .internalInconsistency)

        /// The parent has had so many children that its sequence numbers are used up: servers go on with the last one for ever, or
        /// with negative ones, as their version goes.
        public static let sequenceExhausted = Code(kind: .sequenceExhausted)

        /// A code of the server or of the C client that has no name of its own here.
        public static func server(_ code: Int32) -> Code { Code(kind: .server(code)) }

        /// Lets a `catch` clause name the code: `catch ZooKeeperError.Code.noNode { … }`.
        public static func ~= (code: Code, error: any Error) -> Bool {
            (error as? ZooKeeperError)?.code == code
        }

        var isRetriable: Bool {
            switch kind {
            case .connectionLost, .requestTimedOut, .sessionExpired, .sessionMoved, .throttled, .connectTimedOut,
                .hostNotFound, .notReadOnly:
                true
            default: false
            }
        }
    }
}

extension ZooKeeperError.Code: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .server(let code): "server code \(code)"
        default: "\(kind)"
        }
    }
}
