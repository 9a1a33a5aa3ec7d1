public import ZooKeeper

/// One computes, the others wait for the result and get it: for a cache that is rebuilt, a job that must not run twice, a request that
/// was submitted again.
///
/// ```swift
/// var options = RunOnce.Options()
/// options.timeToLive = .seconds(300)
/// let prices = try client.runOnce("/cache/prices", options: options)
/// let bytes = try await prices.value(timeout: .seconds(30)) { lease in try await downloadPrices() }
/// ```
///
/// Who computes holds a ``DistributedLock`` below the path, and is cancelled when its lease is lost. Its result is stored in one transaction
/// with a check of that lease, so that whoever was thought dead and computed on cannot publish. When the computing process
/// is killed, the next in line computes, and exactly one. All who wait get a result as soon as it is there, at the same time, not one after
/// the other.
///
/// A result is small: up to ``maximumLength`` bytes. Keep what is larger elsewhere, and its place here.
public struct RunOnce: Sendable {
    public struct Options: Sendable {
        /// What the program says of itself to others, at most 4096 bytes; see ``Owner/label``.
        public var label: String?
        /// The rights on the znodes below the path, and on the path where it is made.
        public var acl: [ACL] = [.open]
        /// How long a result counts after it was stored; `nil` for as long as the path exists. By the servers' clock, that of their leader: this
        /// machine's only measures the time since it last asked, with a write to the path's own znode, once a minute at most. Whoever waited for
        /// a result gets it in any case.
        public var timeToLive: Duration?
        /// What those get who wait, when the computation fails. That of whoever computes counts.
        public var failure = Failure.retry
        /// As ``DistributedLock/Options/waitsForConfirmedLease``.
        public var waitsForConfirmedLease = false
        /// The longest time that one computation may take, from a second on; see ``DistributedLock/Options/maximumHold``.
        public var maximumHold: Duration?

        public init() {}
    }

    /// What those get who wait, when the computation throws an error.
    public enum Failure: Hashable, Sendable {
        /// The next one computes.
        case retry
        /// A description of the error, as ``RunOnceError/failed(_:description:by:)``: all who waited by then. Who comes later computes. A
        /// computation that was cancelled is not a failure: the next one computes.
        case share
    }

    public let path: NodePath
    public let options: Options
    public var client: ZooKeeperClient { lock.client }

    /// The largest result, in bytes.
    public static let maximumLength = 950_000

    let lock: DistributedLock
    let clock = ServerClock()
    var result: NodePath { path.appending(unchecked: "result") }

    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public init(_ path: NodePath, client: ZooKeeperClient, options: Options = Options()) throws(ZooKeeperError) {
        func refuse(_ detail: String) -> ZooKeeperError {
            ZooKeeperError(.invalidArgument, operation: "run once", path: path, detail: detail)
        }
        guard path != .root else { throw refuse("the root cannot be run once: name a path below it") }
        if let life = options.timeToLive, life <= .zero { throw refuse("a time to live of \(life): more than zero") }
        var lockOptions = DistributedLock.Options()
        lockOptions.label = options.label
        lockOptions.acl = options.acl
        lockOptions.waitsForConfirmedLease = options.waitsForConfirmedLease
        lockOptions.maximumHold = options.maximumHold
        lock = try DistributedLock(path.appending("lock"), client: client, options: lockOptions)
        self.path = path
        self.options = options
    }

    // MARK: The result

    /// The result, if there is one that counts; otherwise it is waited for, or computed here.
    ///
    /// `compute` runs on the caller's actor, in a task of its own that is cancelled when the lease is lost. When somebody invalidates the result
    /// meanwhile, it runs once more. It must not ask for the same result: it would wait for itself.
    ///
    /// - Parameter timeout: how long to wait for somebody else's result, or for the turn to compute, and for the servers' answers in all
    ///   that; `nil` for no limit. Zero waits for nobody, just for the servers. It does not limit the computation.
    /// - Throws: what `compute` throws, to its own caller; ``RunOnceError/failed(_:description:by:)`` when that of another failed and
    ///   failures are shared; ``RunOnceError/tooLarge(_:length:limit:)``; otherwise as ``DistributedLock/withLock(timeout:isolation:file:line:_:)``:
    ///   ``LockError/timedOut(_:ahead:holder:)``, ``LockError/cancelled(_:)``, ``LockError/lost(_:_:token:)``, ``LockError/session(_:)``. A
    ///   waiter that throws has left nothing behind.
    public func value(
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ compute: (Lease) async throws -> [UInt8]
    ) async throws -> [UInt8] {
        if let timeout, timeout < .zero {
            throw LockError.session(
                ZooKeeperError(
                    .invalidArgument, operation: "run once", path: path,
                    detail: "a timeout of \(timeout): zero to wait for nobody, or more"))
        }
        // Whoever waits for nobody has nothing to lose by the time that an answer takes.
        let deadline = timeout.flatMap { $0 > .zero ? ContinuousClock.now + $0.bounded : nil }
        let view = try await session(by: deadline) { () async throws(ZooKeeperError) in try await look(by: deadline) }
        let judgement = RunOnceJudgement(timeToLive: options.timeToLive, baseline: view.zxid)
        let verdict = try await session(by: deadline) { () async throws(ZooKeeperError) in
            try await judged(view, judgement, by: deadline)
        }
        if let value = try value(of: verdict) { return value }
        while true {
            // Some of it is used up; whoever came to wait goes on waiting.
            let rest = deadline.map { max(.milliseconds(1), $0 - .now) } ?? timeout
            switch try await turn(judgement, within: rest, file: file, line: line) {
            case .over(let verdict):
                if let value = try value(of: verdict) { return value }
            case .computes(let lease):
                return try await lease.run({ lease in try await run(compute, judgement, lease) }, isolation: isolation)
            }
        }
    }

    /// The result, if there is one that counts; does not wait, and computes nothing.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized`, or what any request may throw.
    public func current() async throws(ZooKeeperError) -> [UInt8]? {
        let view = try await look()
        let judgement = RunOnceJudgement(timeToLive: options.timeToLive, baseline: view.zxid)
        guard case .value(let bytes) = try await judged(view, judgement) else { return nil }
        return bytes
    }

    /// What was computed, or is being computed, does not count any more: whoever asks from now on gets a result whose computation began after
    /// this. A computation that is under way is repeated by whoever does it.
    ///
    /// - Throws: ``ZooKeeperError``: `notAuthorized`, or what any request may throw. After `outcomeIsUnknown` call it again.
    public func invalidate() async throws(ZooKeeperError) {
        let record = RunOnceRecord(.invalidated, run: "", owner: .current(label: options.label)).data
        while true {
            do throws(ZooKeeperError) {
                try await client.set(result, data: record)
                return
            } catch {
                guard error.code == .noNode else { throw error }
            }
            do throws(ZooKeeperError) {
                try await client.create(result, data: record, acl: options.acl)
                return
            } catch {
                // Without the path nobody computes anything either.
                if error.code == .noNode { return }
                guard error.code == .nodeExists else { throw error }
            }
        }
    }

    // MARK: Looking

    func look(by deadline: ContinuousClock.Instant? = nil) async throws(ZooKeeperError) -> RunOnceView {
        do throws(ZooKeeperError) {
            let (data, stat) = try await client.get(result, by: deadline)
            return RunOnceView(data, stat)
        } catch {
            guard error.code == .noNode else { throw error }
            return .nothing
        }
    }

    /// Asks for the time where it matters.
    func judged(
        _ view: RunOnceView, _ judgement: RunOnceJudgement, by deadline: ContinuousClock.Instant? = nil
    ) async throws(ZooKeeperError) -> RunOnceJudgement.Verdict {
        guard judgement.dependsOnTime(view) else { return judgement.verdict(on: view, now: nil) }
        return judgement.verdict(on: view, now: try await clock.now(of: client, byWriting: path, by: deadline))
    }

    func value(of verdict: RunOnceJudgement.Verdict) throws -> [UInt8]? {
        switch verdict {
        case .value(let bytes): return bytes
        case .failure(let description, let owner):
            throw RunOnceError.failed(path, description: description, by: owner)
        case .compute: return nil
        }
    }

    /// With errors as those of the lock.
    ///
    /// - Parameter deadline: what only takes too long fails as a wait that is over, from then on.
    func session<R>(
        by deadline: ContinuousClock.Instant? = nil, _ body: () async throws(ZooKeeperError) -> R
    ) async throws(LockError) -> R {
        do throws(ZooKeeperError) {
            return try await body()
        } catch {
            if error.code == .cancelled { throw .cancelled(path) }
            if let deadline, error.isRetriable, ContinuousClock.now >= deadline {
                throw .timedOut(lock.path, ahead: nil, holder: nil)
            }
            throw .session(error)
        }
    }
}

extension ZooKeeperClient {
    /// The result that is computed once for all at `path`.
    ///
    /// - Throws: ``ZooKeeperError`` with the code `invalidPath`, `invalidArgument`, `dataTooLarge` or `invalidACL`.
    public func runOnce(_ path: String, options: RunOnce.Options = .init()) throws(ZooKeeperError) -> RunOnce {
        try RunOnce(NodePath(path), client: self, options: options)
    }
}
