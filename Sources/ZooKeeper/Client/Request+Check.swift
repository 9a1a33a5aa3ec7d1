extension Request {
    /// The most data that is sent, in bytes. The server drops the connection on a packet over its limit of 1 MiB, which also
    /// has to hold the path and the access rights.
    static let maximumDataLength = 1_000_000

    /// What is wrong with the request, found before C sees it. (Paths were checked when they were made.)
    package var flaw: ZooKeeperError? {
        switch self {
        case .create(let path, let data, let mode, let acl):
            Self.flaw("create", path, data: data, mode: mode, acl: acl)
        case .set(let path, let data, _):
            Self.flaw("set", path, data: data)
        case .commit(let operations):
            Self.flaw(operations)
        case .delete(let path, _):
            Self.flaw("delete", deleting: path)
        case .setACL(let path, let acl, _):
            Self.flaw("set ACL", path, data: [], acl: acl)
        case .authenticate(let credential):
            credential.flaw
        case .get, .exists, .children, .getACL, .sync:
            nil
        }
    }

    private static func flaw(_ operations: [Transaction.Operation]) -> ZooKeeperError? {
        var total = 0
        for (index, operation) in operations.enumerated() {
            let found: ZooKeeperError?
            switch operation {
            case .create(let path, let data, let mode, let acl):
                total += data.count + size(of: acl)
                found = flaw(path, inTransaction: mode) ?? flaw("commit", path, data: data, mode: mode, acl: acl)
            case .set(let path, let data, _):
                total += data.count
                found = flaw("commit", path, data: data)
            case .delete(let path, _):
                found = flaw("commit", deleting: path)
            case .check:
                found = nil
            }
            total += operation.path.string.utf8.count + 64
            if var found {
                found.failedOperation = index
                return found
            }
        }
        guard total <= maximumDataLength else {
            return ZooKeeperError(
                .dataTooLarge, operation: "commit",
                detail: "the transaction has \(total) bytes, at most \(maximumDataLength) are sent")
        }
        return nil
    }

    /// The server answers the creation of such a znode with a `Stat` behind the path, and the C client, which takes that for the
    /// next result, ends the process.
    private static func flaw(_ path: NodePath, inTransaction mode: CreateMode) -> ZooKeeperError? {
        switch mode {
        case .persistent, .persistentSequential, .ephemeral, .ephemeralSequential: nil
        case .container, .persistentWithTTL, .persistentSequentialWithTTL:
            ZooKeeperError(
                .unimplemented, operation: "commit", path: path,
                detail: "the C client cannot create containers and znodes with a time to live in a transaction")
        }
    }

    /// Below a chroot the server would delete the root of this client.
    private static func flaw(_ operation: String, deleting path: NodePath) -> ZooKeeperError? {
        guard path == .root else { return nil }
        return ZooKeeperError(.invalidArgument, operation: operation, path: path, detail: "the root cannot be deleted")
    }

    private static func flaw(
        _ operation: String, _ path: NodePath, data: [UInt8], mode: CreateMode = .persistent, acl: [ACL] = [.open]
    ) -> ZooKeeperError? {
        guard data.count <= maximumDataLength else {
            return ZooKeeperError(
                .dataTooLarge, operation: operation, path: path,
                detail: "\(data.count) bytes of data, at most \(maximumDataLength) are sent")
        }
        guard !acl.isEmpty else {
            return ZooKeeperError(
                .invalidACL, operation: operation, path: path, detail: "the list of access rights is empty")
        }
        let size = data.count + size(of: acl)
        guard size <= maximumDataLength else {
            return ZooKeeperError(
                .dataTooLarge, operation: operation, path: path,
                detail: "\(size) bytes of data and access rights, at most \(maximumDataLength) are sent")
        }
        for entry in acl where entry.scheme.utf8.contains(0) || entry.id.utf8.contains(0) {
            return ZooKeeperError(.invalidACL, operation: operation, path: path, detail: "NUL in a scheme or an id")
        }
        switch mode {
        case .persistentWithTTL(let duration), .persistentSequentialWithTTL(let duration):
            // EphemeralType.TTL in the server keeps the time in 40 bits.
            guard (1..<(1 << 40)).contains(duration.milliseconds) else {
                return ZooKeeperError(
                    .invalidArgument, operation: operation, path: path,
                    detail: "a time to live of \(duration): from 1 ms to 2^40 - 1 ms")
            }
        default: break
        }
        return nil
    }

    /// The space in the packet, beyond that of the usual list of one short entry.
    private static func size(of acl: [ACL]) -> Int {
        acl == [.open] ? 0 : acl.reduce(0) { $0 + 12 + $1.scheme.utf8.count + $1.id.utf8.count }
    }
}
