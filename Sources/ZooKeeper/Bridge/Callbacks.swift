internal import CZooKeeper

/// The functions that the C client calls, on its completion thread: they copy what C lends, find the session and pass it on.
enum Callbacks {
    static let session: watcher_fn = { handle, type, state, _, context in
        guard type == ZOO_SESSION_EVENT, let session = BridgeTable.resolve(context)?.session else { return }
        session.linkChanged(change(handle, state))
    }

    private static func change(_ handle: OpaquePointer?, _ state: Int32) -> Session.LinkChange {
        switch state {
        case ZOO_CONNECTED_STATE:
            .connected(
                sessionID: zoo_client_id(handle)?.pointee.client_id ?? 0,
                timeout: .milliseconds(Int64(zoo_recv_timeout(handle))),
                server: HostResolver.peer(of: handle))
        case ZOO_EXPIRED_SESSION_STATE: .expired
        case ZOO_AUTH_FAILED_STATE: .authenticationFailed
        case ZOO_READONLY_STATE: .readOnly
        // The state is 0 after a disconnect, before the next attempt.
        case ZOO_CONNECTING_STATE, ZOO_ASSOCIATING_STATE, ZOO_NOTCONNECTED_STATE, 0: .disconnected
        default: .other(state)
        }
    }

    /// Watches are told of session events too; those arrive through ``session`` as well.
    static let watch: watcher_fn = { _, type, _, path, context in
        guard type != ZOO_SESSION_EVENT, let path, let (session, key) = BridgeTable.resolve(context) else { return }
        let kind: WatchEvent.Kind =
            switch type {
            case ZOO_CREATED_EVENT: .created
            case ZOO_DELETED_EVENT: .deleted
            case ZOO_CHANGED_EVENT: .dataChanged
            case ZOO_CHILD_EVENT: .childrenChanged
            default: .other(type)
            }
        session.fired(WatchID(key: key), WatchEvent(kind, path: session.path(path)))
    }

    static let done: void_completion_t = { status, context in
        finish(context, status) { _ in .done }
    }

    static let stat: stat_completion_t = { status, stat, context in
        finish(context, status) { _ in .stat(Stat(stat)) }
    }

    /// The answer to the last request before a handle is closed.
    static let last: stat_completion_t = { _, _, context in
        BridgeTable.resolve(context)?.session.carrier.bridge?.lastAnswer.open()
    }

    static let data: data_completion_t = { status, bytes, count, stat, context in
        finish(context, status) { _ in .data([UInt8](bytes, count), Stat(stat)) }
    }

    static let created: string_stat_completion_t = { status, path, stat, context in
        finish(context, status) { .created($0.path(path), Stat(stat)) }
    }

    static let children: strings_stat_completion_t = { status, names, stat, context in
        finish(context, status) { _ in .children([String](names), Stat(stat)) }
    }

    static let acl: acl_completion_t = { status, entries, stat, context in
        finish(context, status) { _ in .acl([ACL](entries), Stat(stat)) }
    }

    static let synced: string_completion_t = { status, _, context in
        finish(context, status) { _ in .done }
    }

    static let committed: void_completion_t = { status, context in
        guard let (session, key) = BridgeTable.resolve(context) else { return }
        guard let buffer = session.carrier.bridge?.takeTransaction(key) else { return }
        session.complete(RequestID(key: key), buffer.result(status))
    }

    private static func finish(_ context: UnsafeRawPointer?, _ status: Int32, _ reply: (Session) -> Reply) {
        guard let (session, key) = BridgeTable.resolve(context) else { return }
        let result: Result<Reply, Refusal> =
            status == 0 ? .success(reply(session)) : .failure(Refusal(status: status))
        session.complete(RequestID(key: key), result)
    }
}

extension Session {
    /// A path as a server has sent it.
    fileprivate func path(_ text: UnsafePointer<CChar>?) -> NodePath {
        let full = text.map { String(cString: $0) } ?? ""
        return carrier.bridge?.endpoint.chroot.relative(full) ?? NodePath(unchecked: full)
    }
}

extension Stat {
    fileprivate init(_ stat: UnsafePointer<CZooKeeper.Stat>?) {
        guard let stat = stat?.pointee else {
            self.init()
            return
        }
        self.init(stat)
    }

    init(_ stat: CZooKeeper.Stat) {
        self.init(
            czxid: stat.czxid, mzxid: stat.mzxid, pzxid: stat.pzxid, ctime: stat.ctime, mtime: stat.mtime,
            version: stat.version, cversion: stat.cversion, aversion: stat.aversion,
            ephemeralOwner: stat.ephemeralOwner,
            dataLength: stat.dataLength, numChildren: stat.numChildren)
    }
}

extension [UInt8] {
    /// The client gives -1 as the length of data that was never set.
    fileprivate init(_ bytes: UnsafePointer<CChar>?, _ count: Int32) {
        guard let bytes, count > 0 else {
            self = []
            return
        }
        self = [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
}

extension [ACL] {
    fileprivate init(_ vector: UnsafePointer<ACL_vector>?) {
        self = []
        guard let vector = vector?.pointee, let entries = vector.data else { return }
        for index in 0..<Int(Swift.max(0, vector.count)) {
            let (scheme, id) = (entries[index].id.scheme, entries[index].id.id)
            append(
                ACL(
                    ACL.Permissions(rawValue: entries[index].perms), scheme: scheme.map { String(cString: $0) } ?? "",
                    id: id.map { String(cString: $0) } ?? ""))
        }
    }
}

extension [String] {
    fileprivate init(_ vector: UnsafePointer<String_vector>?) {
        self = []
        guard let vector = vector?.pointee, let names = vector.data else { return }
        reserveCapacity(Int(vector.count))
        for index in 0..<Int(Swift.max(0, vector.count)) {
            if let name = names[index] { append(String(cString: name)) }
        }
    }
}
