/// One request to the server, checked and ready to be handed to a transport.
package enum Request: Sendable {
    case create(NodePath, data: [UInt8], mode: CreateMode, acl: [ACL])
    case delete(NodePath, version: Int32?)
    case get(NodePath, watch: WatchID?)
    case set(NodePath, data: [UInt8], version: Int32?)
    case exists(NodePath, watch: WatchID?)
    case children(NodePath, watch: WatchID?)
    case getACL(NodePath)
    case setACL(NodePath, acl: [ACL], version: Int32?)
    case sync(NodePath)
    case authenticate(Credential)
    case commit([Transaction.Operation])

    package var operation: String {
        switch self {
        case .create: "create"
        case .delete: "delete"
        case .get: "get"
        case .set: "set"
        case .exists: "exists"
        case .children: "children"
        case .getACL: "get ACL"
        case .setACL: "set ACL"
        case .sync: "sync"
        case .authenticate: "authenticate"
        case .commit: "commit"
        }
    }

    package var path: NodePath? {
        switch self {
        case .create(let path, _, _, _), .delete(let path, _), .get(let path, _), .set(let path, _, _),
            .exists(let path, _), .children(let path, _), .getACL(let path), .setACL(let path, _, _), .sync(let path):
            path
        case .commit, .authenticate: nil
        }
    }
}

/// What the server answered.
package enum Reply: Hashable, Sendable {
    case done
    case created(NodePath, Stat)
    case data([UInt8], Stat)
    case stat(Stat)
    case children([String], Stat)
    case acl([ACL], Stat)
    case committed([Transaction.Result])
}

/// Why there is no answer, or which error the server answered with.
package struct RequestFailure: Error, Hashable, Sendable {
    package var code: ZooKeeperError.Code
    package var outcomeIsUnknown: Bool
    /// The session ended, or had ended, before the request was sent: the next session may take it.
    package var wasNeverSent: Bool
    package var failedOperation: Int?
    package var detail: String

    package init(
        _ code: ZooKeeperError.Code,
        outcomeIsUnknown: Bool = false,
        wasNeverSent: Bool = false,
        failedOperation: Int? = nil,
        detail: String = ""
    ) {
        self.code = code
        self.outcomeIsUnknown = outcomeIsUnknown
        self.wasNeverSent = wasNeverSent
        self.failedOperation = failedOperation
        self.detail = detail
    }

    /// The public error for a request that failed so.
    package func error(operation: String, path: NodePath?) -> ZooKeeperError {
        ZooKeeperError(
            code, operation: operation, path: path, detail: detail.isEmpty ? advice(operation, path) : detail,
            outcomeIsUnknown: outcomeIsUnknown, failedOperation: failedOperation)
    }

    /// The same failure, with what is missing said: a server tells only that something is.
    package func lacking(_ right: String, on path: NodePath?) -> RequestFailure {
        guard code == .notAuthorized, detail.isEmpty else { return self }
        var failure = self
        failure.detail = "the right '\(right)' is missing" + (path.map { " on \($0)" } ?? "")
        return failure
    }

    private func advice(_ operation: String, _ path: NodePath?) -> String {
        switch code {
        case .notAuthorized:
            switch operation {
            case "create": lacking("create", on: path?.parent).detail
            case "delete": lacking("delete", on: path?.parent).detail
            case "get", "children", "watch", "check": lacking("read", on: path).detail
            case "set": lacking("write", on: path).detail
            case "set ACL": lacking("admin", on: path).detail
            case "get ACL": lacking("read' or 'admin", on: path).detail
            default: ""
            }
        case .invalidACL where operation == "create" || operation == "set ACL":
            "the servers do not know such an entry; the scheme 'auth' needs a client that has authenticated"
        default: ""
        }
    }
}

package typealias RequestResult = Result<Reply, RequestFailure>
