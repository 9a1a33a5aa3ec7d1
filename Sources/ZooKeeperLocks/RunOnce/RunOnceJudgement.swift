import ZooKeeper

/// The znode of a result, as it was read.
struct RunOnceView: Hashable, Sendable {
    var record: RunOnceRecord?
    /// The transaction that wrote it.
    var zxid: Int64
    var version: Int32
    /// By the servers' clock, in milliseconds since 1970.
    var written: Int64

    /// There is no such znode.
    static let nothing = RunOnceView(record: nil, zxid: 0, version: -1, written: 0)

    var exists: Bool { version >= 0 }

    init(record: RunOnceRecord?, zxid: Int64, version: Int32, written: Int64) {
        self.record = record
        self.zxid = zxid
        self.version = version
        self.written = written
    }

    init(_ data: [UInt8], _ stat: Stat) {
        self.init(record: RunOnceRecord(data), zxid: stat.mzxid, version: stat.version, written: stat.mtime)
    }
}

/// What a caller makes of the znode.
struct RunOnceJudgement: Sendable {
    enum Verdict: Hashable, Sendable {
        case value([UInt8])
        /// Of a computation that ended while the caller waited.
        case failure(String, by: Owner?)
        /// Whoever has the lock computes.
        case compute
    }

    /// How long a result counts; `nil` for as long as it is there.
    var timeToLive: Duration?
    /// The transaction that wrote what the caller saw first: failures up to then were for others.
    var baseline: Int64

    /// - Parameter now: the servers' clock, in milliseconds since 1970; `nil` where time does not matter.
    func verdict(on view: RunOnceView, now: Int64?) -> Verdict {
        switch view.record?.kind {
        case .value(let bytes): isFresh(view, now) ? .value(bytes) : .compute
        case .failure(let description) where view.zxid > baseline: .failure(description, by: view.record?.owner)
        case .failure, .invalidated, nil: .compute
        }
    }

    /// Whether the verdict needs to know what time it is.
    func dependsOnTime(_ view: RunOnceView) -> Bool {
        guard case .value = view.record?.kind else { return false }
        return timeToLive != nil && view.zxid <= baseline
    }

    private func isFresh(_ view: RunOnceView, _ now: Int64?) -> Bool {
        // Whoever waited for it takes it, however short it lives.
        guard view.zxid <= baseline, let timeToLive else { return true }
        guard let now else { return false }
        return Duration.milliseconds(now - view.written) < timeToLive
    }
}
