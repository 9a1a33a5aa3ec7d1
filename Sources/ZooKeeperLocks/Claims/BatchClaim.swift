public import ZooKeeper

/// Hands out batches of items, rows or jobs, to workers in any number of processes: no item to two of them at a time.
///
/// ```swift
/// let jobs = try client.batchClaim("/jobs/rows")
/// let batch = try await jobs.claim(unfinishedRows, upTo: 50)
/// for item in batch.items {
///     try batch.checkHeld(item.id)
///     try await table.finish(item.id, token: item.fencingToken)
///     await batch.release(item.id)
/// }
/// ```
///
/// Nobody waits: what somebody else has is skipped. A claim of so many free items takes about one round trip, since all requests are sent
/// back to back, and no more of them than items that are wanted.
///
/// An item is free again when its owner releases it, when the owner's session ends, or, if it is alive but stuck, some time after
/// ``Options/maximumHold``. Unless it was released, the next owner is told: which attempt its own is, and who had the item before
/// (``ClaimedItem/attempt``, ``ClaimedItem/previousOwner``). There is no moment in which an owner can be killed without being counted.
///
/// Which items there are, and which are finished, the claim does not know: look at the item *after* it was claimed, and write what was done,
/// with the token, before it is released.
public struct BatchClaim: Sendable {
    public struct Options: Sendable {
        /// The owner's tag: what others read of who has an item, at most 4096 bytes; see ``Owner/label``.
        public var label: String?
        /// What the owner hands to others, in whatever form they agree on; at most 65536 bytes, kept once for each item.
        public var payload: [UInt8]?
        /// The rights on the znodes of a claim, and on the path where that is made.
        public var acl: [ACL] = [.open]
        /// The longest time that a batch may be kept, from a second on; `nil` for no limit. Who is alive but stuck is told a tenth of that ahead
        /// (``ClaimEvent/holdEnds(_:)``), then the batch is lost, and another tenth later its items are given to others, whether it has
        /// stopped or not.
        public var maximumHold: Duration?

        public init() {}
    }

    public let path: NodePath
    public let client: ZooKeeperClient
    public let options: Options

    /// The longest name of an item, in UTF-8 bytes.
    public static let maximumItemLength = 512

    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public init(_ path: NodePath, client: ZooKeeperClient, options: Options = Options()) throws(ZooKeeperError) {
        var rules = DistributedLock.Options()
        rules.label = options.label
        rules.payload = options.payload
        rules.acl = options.acl
        rules.maximumHold = options.maximumHold
        try QueueEntrance.check(path, rules, roomForNames: ClaimPaths.roomForNames, operation: "batch claim")
        self.path = path
        self.client = client
        self.options = options
    }

    /// Claims up to `count` of `items`, in their order, and skips those that somebody else has.
    ///
    /// Lives through lost connections. When the session expires meanwhile, what was obtained in it ends with it, and the claim begins anew in the
    /// next session, in what is left of its time.
    ///
    /// - Parameters:
    ///   - items: any number of names of znodes: no slash, at most ``maximumItemLength`` bytes, each once.
    ///   - count: how many at most; from 0 on.
    ///   - timeout: how long it may take in all; `nil` for the client's request timeout.
    /// - Returns: what was obtained, which may be nothing.
    /// - Throws: ``LockError/cancelled(_:)`` when the calling task is cancelled; ``LockError/session(_:)`` with `invalidArgument` for names
    ///   that cannot be, before anything is sent; ``LockError/session(_:)`` when ZooKeeper refuses, or does not answer in time. In each
    ///   case nothing is claimed when this throws; only if the connection is lost, or the server takes more than a second, the removal goes
    ///   on in the background. A claim that threw counts as an attempt only where an earlier owner had left the item uncleanly, or where the
    ///   session ended in the middle of it. Where it went on in the next session, its own attempt in the one before may count, too.
    public func claim(
        _ items: [String], upTo count: Int, timeout: Duration? = nil, file: String = #fileID, line: Int = #line
    ) async throws(LockError) -> ClaimedBatch {
        if let flaw = flaw(items, count, timeout) { throw .session(flaw) }
        let limit = (timeout ?? client.configuration.requestTimeout).bounded
        let deadline = ContinuousClock.now + limit
        while true {
            let session = try await session(by: deadline)
            switch await claim(items, upTo: count, in: session, by: deadline, (file, line)) {
            case .success(let batch): return batch
            // Its marks and claims are gone with it: in the next one nobody has them.
            case .failure(let failure) where failure.code == .sessionExpired && ContinuousClock.now < deadline:
                continue
            case .failure(let failure): throw error(failure)
            }
        }
    }

    /// Not on the caller's actor, which may be busy: the longest hold counts from when the batch is confirmed.
    ///
    /// - Returns: a batch that is confirmed and kept. Nothing is claimed where it fails.
    @concurrent private func claim(
        _ items: [String], upTo count: Int, in session: Session, by deadline: ContinuousClock.Instant,
        _ origin: (file: String, line: Int)
    ) async -> Result<ClaimedBatch, RequestFailure> {
        switch await ClaimRun(self, items, wanted: count, in: session, by: deadline).run() {
        case .failure(let failure): return .failure(failure)
        case .success(let obtained):
            let claimed = obtained.map {
                ClaimedBatch.Claimed(
                    ClaimedItem(
                        id: items[$0.index], fencingToken: FencingToken(rawValue: $0.zxid), attempt: $0.attempt,
                        previousOwner: $0.previous), $0.paths)
            }
            let batch = ClaimedBatch(self, claimed, session, file: origin.file, line: origin.line)
            if let failure = await batch.confirm(by: deadline) {
                await batch.giveBack()
                return .failure(failure)
            }
            batch.keep()
            return .success(batch)
        }
    }

    private func error(_ failure: RequestFailure) -> LockError {
        failure.code == .cancelled
            ? .cancelled(path)
            : .session(failure.lacking("create", on: path).error(operation: "batch claim", path: path))
    }

    private func session(by deadline: ContinuousClock.Instant) async throws(LockError) -> Session {
        let session = Promise<Result<Session, ZooKeeperError>>()
        client.whenSession { session.resolve($0) }
        let timer = TimerThread.shared.schedule(at: deadline) {
            session.resolve(
                .failure(ZooKeeperError(.requestTimedOut, operation: "batch claim", detail: "there was no session")))
        }
        defer { TimerThread.shared.cancel(timer) }
        switch await session.valueUnlessCancelled() {
        case .success(let session): return session
        case .failure(let error): throw .session(error)
        case nil: throw .cancelled(path)
        }
    }

    // MARK: What is wrong with a request

    private func flaw(_ items: [String], _ count: Int, _ timeout: Duration?) -> ZooKeeperError? {
        func refuse(_ detail: String) -> ZooKeeperError {
            ZooKeeperError(.invalidArgument, operation: "batch claim", path: path, detail: detail)
        }
        guard count >= 0 else { return refuse("up to \(count) items: from 0 on") }
        if let timeout, timeout <= .zero { return refuse("a timeout of \(timeout): more than zero") }
        var seen: Set<NodePath> = []
        for (index, item) in items.enumerated() {
            if let flaw = Self.flaw(item) { return refuse("item \(index): \(flaw)") }
            // By bytes, as the servers tell them apart.
            if !seen.insert(NodePath(unchecked: item)).inserted {
                return refuse("item \(index) is there twice: '\(item)'")
            }
        }
        return nil
    }

    static func flaw(_ item: String) -> String? {
        guard !item.isEmpty else { return "the name is empty" }
        guard item.utf8.count <= maximumItemLength else {
            return "the name has \(item.utf8.count) bytes, at most \(maximumItemLength) are accepted"
        }
        guard !item.utf8.contains(UInt8(ascii: "/")) else { return "the name has a slash: '\(item)'" }
        do throws(ZooKeeperError) {
            _ = try NodePath("/items/" + item)
            return nil
        } catch {
            return error.detail
        }
    }
}

extension ZooKeeperClient {
    /// The batches that are handed out at `path`.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public func batchClaim(
        _ path: String, options: BatchClaim.Options = .init()
    ) throws(ZooKeeperError) -> BatchClaim {
        try BatchClaim(NodePath(path), client: self, options: options)
    }
}
