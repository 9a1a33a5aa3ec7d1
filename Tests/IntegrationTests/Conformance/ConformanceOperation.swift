import ZooKeeper

/// One step of a random run: who does what.
enum ConformanceStep: Sendable, CustomStringConvertible {
    /// Requests that one client sends one behind the other, without waiting; each may carry a watch.
    case requests(client: Int, [ConformanceRequest])
    case closeSession(client: Int)
    case expireSession(client: Int)

    var description: String {
        switch self {
        case .requests(let client, let requests): "client \(client): \(requests.map(\.description))"
        case .closeSession(let client): "client \(client) closes"
        case .expireSession(let client): "client \(client) expires"
        }
    }
}

enum ConformanceRequest: Sendable, CustomStringConvertible {
    case create(NodePath, [UInt8], CreateMode, [ACL])
    case delete(NodePath, Int32?)
    case get(NodePath, watch: Bool)
    case set(NodePath, [UInt8], Int32?)
    case exists(NodePath, watch: Bool)
    case children(NodePath, watch: Bool)
    case getACL(NodePath)
    case setACL(NodePath, [ACL], Int32?)
    case sync(NodePath)
    case authenticate(Credential)
    case commit([Transaction.Operation])

    var description: String {
        switch self {
        case .create(let path, _, let mode, let acl): "create \(path) \(mode) \(acl == [.open] ? "" : "\(acl)")"
        case .delete(let path, let version): "delete \(path) \(version.map { "v\($0)" } ?? "")"
        case .get(let path, let watch): "get \(path)\(watch ? " and watch" : "")"
        case .set(let path, _, let version): "set \(path) \(version.map { "v\($0)" } ?? "")"
        case .exists(let path, let watch): "exists \(path)\(watch ? " and watch" : "")"
        case .children(let path, let watch): "children \(path)\(watch ? " and watch" : "")"
        case .getACL(let path): "get ACL \(path)"
        case .setACL(let path, let acl, let version): "set ACL \(path) \(acl) \(version.map { "v\($0)" } ?? "")"
        case .sync(let path): "sync \(path)"
        case .authenticate(let credential): "authenticate \(String(decoding: credential.data, as: UTF8.self))"
        case .commit(let operations):
            "commit \(operations.map { operation in switch operation { case .create(let path, _, let mode, _): "create \(path) \(mode)" case .delete(let path, let version): "delete \(path) \(version ?? -1)" case .set(let path, _, let version): "set \(path) \(version ?? -1)" case .check(let path, let version): "check \(path) \(version ?? -1)" } })"
        }
    }

    var watchesWith: Session.WatchKind? {
        switch self {
        case .get(_, true): .get
        case .exists(_, true): .exists
        case .children(_, true): .children
        default: nil
        }
    }

    func request(_ watch: WatchID?) -> Request {
        switch self {
        case .create(let path, let data, let mode, let acl): .create(path, data: data, mode: mode, acl: acl)
        case .delete(let path, let version): .delete(path, version: version)
        case .get(let path, _): .get(path, watch: watch)
        case .set(let path, let data, let version): .set(path, data: data, version: version)
        case .exists(let path, _): .exists(path, watch: watch)
        case .children(let path, _): .children(path, watch: watch)
        case .getACL(let path): .getACL(path)
        case .setACL(let path, let acl, let version): .setACL(path, acl: acl, version: version)
        case .sync(let path): .sync(path)
        case .authenticate(let credential): .authenticate(credential)
        case .commit(let operations): .commit(operations)
        }
    }
}
