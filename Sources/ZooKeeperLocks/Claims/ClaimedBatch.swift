import Locking
import Logging
public import ZooKeeper

/// Items that were claimed together, until they are released or lost.
///
/// All of them hang on one session, which is kept proven while any is held, as for a ``Lease``. A batch that is dropped with items that were
/// not released gives them back in the background, with one warning; their next owners are told that this one ended uncleanly.
public final class ClaimedBatch: Sendable {
    /// What was obtained, in the order in which it was asked for. Also what has been released or lost since; see ``remaining``.
    public let items: [ClaimedItem]
    /// The path of the recipe.
    public var path: NodePath { recipe.path }
    public var isEmpty: Bool { items.isEmpty }
    public var count: Int { items.count }

    struct Claimed: Sendable {
        var item: ClaimedItem
        var paths: ClaimPaths

        init(_ item: ClaimedItem, _ paths: ClaimPaths) {
            self.item = item
            self.paths = paths
        }
    }

    enum Place: Hashable, Sendable {
        case held
        case released
        case lost(LossReason)
    }

    struct Core {
        var places: [Place]
        var loss: LossReason?
        var stakes: [Int: Session.StakeID] = [:]
        var observer: Session.ObserverID?
        var holdTimers: [TimerThread.ID] = []
        var listeners = Listeners<ClaimEvent>()
        var lossHandler: (@Sendable () -> Void)?
        /// What was held for too long, and lost by that, is being given away.
        var isTakenAway = false
        /// Nothing is held any more, and nothing is to be told.
        var isOver = false

        var hasAny: Bool { places.contains(.held) }
    }

    let recipe: BatchClaim
    let session: Session
    let claimed: [Claimed]
    let core: Locked<Core>
    private let claimedAt = ContinuousClock.now
    private let indices: [NodePath: Int]
    private let origin: (file: String, line: Int)

    /// How long a release waits for the servers' answer.
    private static let patience = Duration.seconds(1)

    init(_ recipe: BatchClaim, _ claimed: [Claimed], _ session: Session, file: String, line: Int) {
        self.recipe = recipe
        self.session = session
        self.claimed = claimed
        origin = (file, line)
        items = claimed.map(\.item)
        // By bytes, as the servers tell names apart.
        indices = Dictionary(
            uniqueKeysWithValues: claimed.enumerated().map { (NodePath(unchecked: $1.item.id), $0) })
        core = Locked(Core(places: claimed.map { _ in .held }, isOver: claimed.isEmpty))
    }

    deinit {
        let (rest, loss) = core.withLock { core in
            (core.isTakenAway ? [] : core.places.indices.filter { core.places[$0] != .released }, core.loss)
        }
        if loss == nil, core.withLock(\.hasAny) {
            recipe.client.configuration.logger.warning(
                "a batch was dropped without release(); it is given back now",
                metadata: ["path": "\(path)", "items": "\(rest.count)", "claimed": "\(origin.file):\(origin.line)"])
        }
        // Also when it was lost: the session may go on, and the znodes with it.
        ClaimRemoval.start(rest.map { removal(of: $0, cleanly: false) })
        end()
    }

    // MARK: What it is worth

    /// Until when the batch may be believed, unless it is extended; see ``Lease/validUntil``.
    public var validUntil: ContinuousClock.Instant { session.standing.validUntil?.instant ?? claimedAt }

    /// What is still held, as far as has been told.
    public var remaining: [ClaimedItem] {
        core.withLock { core in items.indices.filter { core.places[$0] == .held }.map { items[$0] } }
    }

    /// Whether anything of it is held right now.
    public var isHeld: Bool { lossByNow() == nil && core.withLock(\.hasAny) }

    /// For inner loops: no await, no I/O; a look at the clock.
    ///
    /// - Throws: ``LockError/lost(_:_:token:)`` when the item was lost, or ``validUntil`` has passed; ``LockError/released(_:)`` when it was
    ///   released; ``LockError/session(_:)`` with `invalidArgument` when it is not of this batch.
    public func checkHeld(_ item: ClaimedItem.ID) throws(LockError) {
        _ = try index(ofHeld: item)
    }

    /// The same transaction, which commits only while that item is held by this batch: for data that is in ZooKeeper itself. A
    /// transaction that comes too late fails with `noNode` or `badVersion`.
    ///
    /// - Throws: as ``checkHeld(_:)`` does.
    public func `guard`(_ transaction: Transaction, for item: ClaimedItem.ID) throws(LockError) -> Transaction {
        let index = try index(ofHeld: item)
        var guarded = transaction
        guarded.check(claimed[index].paths.mark)
        // Whoever deleted the claim by hand has let somebody else have it, who wrote the record over.
        guarded.check(claimed[index].paths.record, version: Int32(items[index].attempt))
        return guarded
    }

    /// What happens to the batch from now on; ends when nothing of it is held. Each call gives a stream of its own.
    public var events: AsyncStream<ClaimEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: ClaimEvent.self)
        let (key, loss) = core.withLock { core -> (Int?, LossReason?) in
            core.isOver ? (nil, core.loss) : (core.listeners.add(continuation), nil)
        }
        if let loss { continuation.yield(.lost(loss)) }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.core.withLock { $0.listeners.remove(key) }
        }
        return stream
    }

    func index(of item: String) throws(LockError) -> Int {
        guard let index = indices[NodePath(unchecked: item)] else {
            throw .session(
                ZooKeeperError(
                    .invalidArgument, operation: "batch claim", path: path,
                    detail: "'\(item)' is not an item of this batch"))
        }
        return index
    }

    private func index(ofHeld item: String) throws(LockError) -> Int {
        let index = try index(of: item)
        let loss = lossByNow()
        switch core.withLock({ $0.places[index] }) {
        case .held:
            guard let loss else { return index }
            throw .lost(claimed[index].paths.claim, loss, token: items[index].fencingToken)
        case .lost(let reason):
            throw .lost(claimed[index].paths.claim, reason, token: items[index].fencingToken)
        case .released: throw .released(claimed[index].paths.claim)
        }
    }

    // MARK: Release

    /// Lets others claim that item. Never fails: if the removal cannot be confirmed within a second, it goes on in the background until the
    /// znodes are gone or the session is. May be called any number of times; not cut short by cancellation.
    ///
    /// - Parameter cleanly: `false` tells the next owner that this one did not finish: its attempt is the next one. An item that
    ///   was lost before it was released counts so in any case.
    public func release(_ item: ClaimedItem.ID, cleanly: Bool = true) async {
        guard let index = indices[NodePath(unchecked: item)] else { return }
        await release([index]) { _, isLost in cleanly && !isLost }
    }

    /// Lets others claim all that is left of the batch; see ``release(_:cleanly:)``.
    public func release(cleanly: Bool = true) async {
        await release(Array(items.indices)) { _, isLost in cleanly && !isLost }
    }

    /// Gives back what nobody has had: nothing was begun, whatever has become of the lease. The records of those who came before stay.
    func giveBack() async {
        await release(Array(items.indices)) { [items] index, _ in items[index].attempt == 1 }
    }

    /// Gives all of it back; those are clean that `isClean` says, whatever has become of the lease since.
    func release(isClean: @escaping @Sendable (_ index: Int) -> Bool) async {
        await release(Array(items.indices)) { index, _ in isClean(index) }
    }

    private typealias Cleanness = @Sendable (_ index: Int, _ isLost: Bool) -> Bool

    private func release(_ indices: [Int], isClean: Cleanness) async {
        let removals = startRelease(indices, isClean)
        guard !removals.isEmpty else { return }
        let done = Promise<Void>()
        ClaimRemoval.start(removals) { done.resolve(()) }
        let timer = TimerThread.shared.schedule(at: .now + Self.patience) { done.resolve(()) }
        await done.value()
        TimerThread.shared.cancel(timer)
    }

    /// Takes note that the items are released, once.
    private func startRelease(_ indices: [Int], _ isClean: Cleanness) -> [ClaimRemoval] {
        let loss = lossByNow()
        let (removals, stakes, isOver) = core.withLock { core in
            var removals: [ClaimRemoval] = []
            var stakes: [Session.StakeID] = []
            for index in indices where core.places[index] != .released {
                let isLost = core.places[index] != .held || loss != nil
                core.places[index] = .released
                if let stake = core.stakes.removeValue(forKey: index) { stakes.append(stake) }
                if core.isTakenAway { continue }
                removals.append(removal(of: index, cleanly: isClean(index, isLost)))
            }
            return (removals, stakes, !core.hasAny)
        }
        for stake in stakes { session.removeStake(stake) }
        if isOver { end() }
        return removals
    }

    func removal(of index: Int, cleanly: Bool) -> ClaimRemoval {
        ClaimRemoval(
            client: recipe.client, session: session, paths: claimed[index].paths,
            version: Int32(items[index].attempt), cleanly: cleanly)
    }
}
