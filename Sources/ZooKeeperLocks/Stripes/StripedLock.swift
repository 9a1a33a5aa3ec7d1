public import ZooKeeper

/// A lock for each of very many keys, of which only so many znodes stand: keys are spread over *stripes*, and two keys of the same stripe
/// exclude each other.
///
/// ```swift
/// let orders = try client.stripedLock("/shop/orders", stripes: 64)
/// try await orders.withLock("order-4711") { lease in try await ship("order-4711", token: lease.fencingToken) }
/// try await orders.withLocks(["order-4711", "order-4712"]) { lease in try await merge(4711, 4712) }
/// ```
///
/// A key's stripe is its hash (``StripeHash``: FNV-1a with 64 bits, of the key's UTF-8 bytes) modulo the number of stripes. Both are stored in the
/// data of the path, and whoever comes with others is refused (``LockError/stripesDisagree(_:expected:found:)``): two who disagree would not
/// exclude each other. Each stripe is a lock of its own, at `<path>/stripe-<number>`.
///
/// Several keys are taken together, as a ``MultiLock`` takes several locks: all or none, in one transaction, without deadlocks. What holds
/// for that holds for this: a task that holds one key and asks for another may wait for itself, as both may be of one stripe.
public struct StripedLock: Sendable {
    public typealias Options = DistributedLock.Options

    public let path: NodePath
    public let client: ZooKeeperClient
    public let layout: StripeLayout
    public let options: Options

    public var stripes: Int { layout.count }

    /// The most stripes that one path may have.
    public static let maximumStripes = 65536

    /// - Parameter stripes: how many there are in all, up to ``maximumStripes``: some times as many as hold at the same time. All who use the path
    ///   have to name the same number.
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public init(
        _ path: NodePath, stripes: Int, client: ZooKeeperClient, options: Options = Options()
    ) throws(ZooKeeperError) {
        guard (1...Self.maximumStripes).contains(stripes) else {
            throw ZooKeeperError(
                .invalidArgument, operation: "striped lock", path: path,
                detail: "\(stripes) stripes: between 1 and \(Self.maximumStripes)")
        }
        guard path != .root else {
            throw ZooKeeperError(
                .invalidArgument, operation: "striped lock", path: path,
                detail: "the root cannot have stripes: name a path below it")
        }
        self.path = path
        self.client = client
        self.options = options
        layout = StripeLayout(count: stripes)
        // What is wrong with one is wrong with all.
        _ = try lock([self.path(ofStripe: stripes - 1)])
    }

    /// The number of the stripe that `key` belongs to. Keys are told apart by their UTF-8 bytes: two Unicode spellings of one text are two keys.
    public func stripe(of key: some StringProtocol) -> Int {
        Int(StripeHash.hash(key.utf8) % UInt64(layout.count))
    }

    /// The path of the lock that `key` is locked by.
    public func path(of key: some StringProtocol) -> NodePath { path(ofStripe: stripe(of: key)) }

    private func path(ofStripe number: Int) -> NodePath {
        let digits = String(number)
        return path.appending(unchecked: "stripe-" + String(repeating: "0", count: 5 - digits.count) + digits)
    }

    private func lock(_ paths: [NodePath]) throws(ZooKeeperError) -> MultiLock {
        try MultiLock(
            paths, stripes: (path, layout), client: client, options: options, operation: "striped lock")
    }

    // MARK: Acquire and release

    /// Waits for the stripes of all `keys`, as ``MultiLock/acquire(timeout:onPosition:file:line:)`` does for its paths.
    ///
    /// - Parameters:
    ///   - keys: at least one; those that share a stripe take it once.
    ///   - timeout: how long to wait in all; `nil` for no limit. Zero takes the stripes if all of them are free.
    /// - Throws: as that does; ``LockError/stripesDisagree(_:expected:found:)``; ``LockError/session(_:)`` with `invalidArgument` for no key, or for
    ///   more than ``MultiLock/maximumPaths`` stripes at once.
    public func acquire(
        _ keys: [String],
        timeout: Duration? = nil,
        onPosition: (@Sendable (QueuePosition) -> Void)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) async throws(LockError) -> Lease {
        let lock: MultiLock
        do throws(ZooKeeperError) {
            lock = try self.lock(keys.map { path(of: $0) })
        } catch {
            throw .session(error)
        }
        return try await lock.acquire(timeout: timeout, onPosition: onPosition, file: file, line: line)
    }

    /// Takes the stripes of all `keys` if all are free; `nil` if one is not. See ``MultiLock/tryAcquire(file:line:)``.
    public func tryAcquire(
        _ keys: [String], file: String = #fileID, line: Int = #line
    ) async throws(LockError) -> Lease? {
        do throws(LockError) {
            return try await acquire(keys, timeout: .zero, file: file, line: line)
        } catch {
            if case .timedOut = error { return nil }
            throw error
        }
    }

    /// Runs `body` while holding the stripe of `key`. See ``DistributedLock/withLock(timeout:isolation:file:line:_:)``, which it is like in all
    /// respects.
    ///
    /// - Throws: what ``acquire(_:timeout:onPosition:file:line:)`` throws; what `body` throws; ``LockError/lost(_:_:token:)``.
    public func withLock<R>(
        _ key: String,
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        try await withLocks([key], timeout: timeout, isolation: isolation, file: file, line: line, body)
    }

    /// Runs `body` while holding the stripe of `key` if that is free now; otherwise returns `nil` without running it.
    ///
    /// - Throws: as ``withLock(_:timeout:isolation:file:line:_:)`` does, but never `timedOut`.
    public func withLockIfAvailable<R>(
        _ key: String,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R? {
        try await withLocksIfAvailable([key], isolation: isolation, file: file, line: line, body)
    }

    /// Runs `body` while holding the stripes of all `keys`: all or none.
    ///
    /// - Throws: as ``withLock(_:timeout:isolation:file:line:_:)`` does.
    public func withLocks<R>(
        _ keys: [String],
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R {
        let lease = try await acquire(keys, timeout: timeout, file: file, line: line)
        return try await lease.run(body, isolation: isolation)
    }

    /// Runs `body` while holding the stripes of all `keys` if all are free now; otherwise returns `nil` without running it.
    ///
    /// - Throws: as ``withLock(_:timeout:isolation:file:line:_:)`` does, but never `timedOut`.
    public func withLocksIfAvailable<R>(
        _ keys: [String],
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ body: (Lease) async throws -> sending R
    ) async throws -> sending R? {
        guard let lease = try await tryAcquire(keys, file: file, line: line) else { return nil }
        return try await lease.run(body, isolation: isolation)
    }
}

extension ZooKeeperClient {
    /// The striped lock at `path`, of so many stripes.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath` or `invalidArgument`.
    public func stripedLock(
        _ path: String, stripes: Int, options: StripedLock.Options = .init()
    ) throws(ZooKeeperError) -> StripedLock {
        try StripedLock(NodePath(path), stripes: stripes, client: self, options: options)
    }
}
