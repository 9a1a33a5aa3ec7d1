internal import CZooKeeper
import Glibc
import Locking

extension Bridge {
    /// Hands a request to the C client, which copies it. The answer comes by ``Session/complete(_:_:)``.
    ///
    /// - Returns: why the request was not taken; `nil` when it was.
    func submit(_ request: Request, _ id: RequestID) -> Refusal? {
        let status = handle.withLock { handle -> Int32 in
            guard let pointer = handle.pointer else { return ZCLOSING.rawValue }
            let status = hand(request, to: pointer, id, &handle)
            if status != 0 { handle.transactions[id.key] = nil }
            return status
        }
        guard status != 0 else { return nil }
        var refusal = Refusal(status: status)
        refusal.mayBeExecuted = false
        return refusal
    }

    private func hand(_ request: Request, to pointer: OpaquePointer, _ id: RequestID, _ handle: inout Handle) -> Int32 {
        let context = UnsafeRawPointer(context(id.key))
        let chroot = endpoint.chroot
        switch request {
        case .create(let path, let data, let mode, let acl):
            return data.withCBytes { bytes, count in
                acl.withCVector { acl in
                    zoo_acreate2_ttl(
                        pointer, chroot.full(path), bytes, count, acl, mode.flags, mode.timeToLive, Callbacks.created,
                        context
                    )
                }
            }
        case .delete(let path, let version):
            return zoo_adelete(pointer, chroot.full(path), version ?? -1, Callbacks.done, context)
        case .get(let path, let watch):
            return zoo_awget(pointer, chroot.full(path), watcher(watch), self.context(watch), Callbacks.data, context)
        case .set(let path, let data, let version):
            return data.withCBytes { bytes, count in
                zoo_aset(pointer, chroot.full(path), bytes, count, version ?? -1, Callbacks.stat, context)
            }
        case .exists(let path, let watch):
            return zoo_awexists(
                pointer, chroot.full(path), watcher(watch), self.context(watch), Callbacks.stat, context)
        case .children(let path, let watch):
            return zoo_awget_children2(
                pointer, chroot.full(path), watcher(watch), self.context(watch), Callbacks.children, context)
        case .getACL(let path):
            return zoo_aget_acl(pointer, chroot.full(path), Callbacks.acl, context)
        case .setACL(let path, let acl, let version):
            return acl.withCVector { acl in
                zoo_aset_acl(
                    pointer, chroot.full(path), version ?? -1, UnsafeMutablePointer(mutating: acl), Callbacks.done,
                    context)
            }
        case .sync(let path):
            return zoo_async(pointer, chroot.full(path), Callbacks.synced, context)
        case .authenticate(let credential):
            return credential.data.withCBytes { bytes, count in
                zoo_add_auth(pointer, credential.scheme, bytes, count, Callbacks.done, context)
            }
        case .commit(let operations):
            let buffer = TransactionBuffer(operations, beneath: chroot)
            handle.transactions[id.key] = buffer
            // With a session that is over, `zoo_amulti` of 3.8.0 frees paths that it never had, from the second operation on. Only the C
            // client's own thread ends a session, on a packet from a server: there is next to no time for one between this line and the
            // next, and what is sent when it is most likely, the proof of a lease that is late, has one operation.
            guard is_unrecoverable(pointer) == 0 else { return ZINVALIDSTATE.rawValue }
            return zoo_amulti(
                pointer, Int32(operations.count), buffer.operations, buffer.results, Callbacks.committed, context)
        }
    }

    private func watcher(_ watch: WatchID?) -> watcher_fn? {
        watch == nil ? nil : Callbacks.watch
    }

    private func context(_ watch: WatchID?) -> UnsafeMutableRawPointer? {
        watch.flatMap { context($0.key) }
    }

    func takeTransaction(_ key: UInt64) -> TransactionBuffer? {
        handle.withLock { $0.transactions.removeValue(forKey: key) }
    }
}

extension CreateMode {
    var flags: Int32 {
        switch self {
        case .persistent: ZOO_PERSISTENT
        case .persistentSequential: ZOO_PERSISTENT_SEQUENTIAL
        case .ephemeral: ZOO_EPHEMERAL
        case .ephemeralSequential: ZOO_EPHEMERAL_SEQUENTIAL
        case .container: ZOO_CONTAINER
        case .persistentWithTTL: ZOO_PERSISTENT_WITH_TTL
        case .persistentSequentialWithTTL: ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL
        }
    }

    /// In milliseconds; -1 for modes that have none.
    var timeToLive: Int64 {
        switch self {
        case .persistentWithTTL(let duration), .persistentSequentialWithTTL(let duration): duration.milliseconds
        default: -1
        }
    }
}

extension [UInt8] {
    func withCBytes<R>(_ body: (UnsafePointer<CChar>?, Int32) -> R) -> R {
        withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(count)) }
    }
}

extension [ACL] {
    /// Lends the list in C's form for the length of one call.
    func withCVector<R>(_ body: (UnsafePointer<ACL_vector>?) -> R) -> R {
        if self == [.open] { return body(czk_open_acl()) }
        let vector = ACLVector(self)
        return withExtendedLifetime(vector) { withUnsafePointer(to: vector.vector) { body($0) } }
    }
}

/// A list of access rights in memory that C can read.
final class ACLVector {
    private(set) var vector: ACL_vector

    init(_ entries: [ACL]) {
        let data = UnsafeMutablePointer<CZooKeeper.ACL>.allocate(capacity: entries.count)
        for (index, entry) in entries.enumerated() {
            let id = Id(scheme: strdup(entry.scheme), id: strdup(entry.id))
            (data + index).initialize(to: CZooKeeper.ACL(perms: entry.permissions.rawValue, id: id))
        }
        vector = ACL_vector(count: Int32(entries.count), data: data)
    }

    deinit {
        guard let data = vector.data else { return }
        for index in 0..<Int(vector.count) {
            free(data[index].id.scheme)
            free(data[index].id.id)
        }
        data.deallocate()
    }
}
