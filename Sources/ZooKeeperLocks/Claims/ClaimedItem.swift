/// An item that was claimed.
public struct ClaimedItem: Hashable, Sendable, Identifiable {
    /// Its name, as it was given.
    public var id: String
    /// Larger than that of every earlier owner of this item: hand it to whatever is written for it.
    public var fencingToken: FencingToken
    /// 1 for the first owner since the last one that released it; one more for each owner that did not.
    public var attempt: Int
    /// Who ended without releasing it, just before: from the second attempt on, if it can be known.
    public var previousOwner: Owner?

    public init(id: String, fencingToken: FencingToken, attempt: Int = 1, previousOwner: Owner? = nil) {
        self.id = id
        self.fencingToken = fencingToken
        self.attempt = attempt
        self.previousOwner = previousOwner
    }
}

/// What happens to a batch while it is held; see ``ClaimedBatch/events``.
public enum ClaimEvent: Hashable, Sendable {
    /// The connection is lost. The batch is held until ``ClaimedBatch/validUntil`` all the same.
    case suspended
    /// There is a connection again, and the session and the batch with it.
    case restored
    /// The longest time that the batch may be held is nearly over: ``BatchClaim/Options/maximumHold``.
    case holdEnds(ContinuousClock.Instant)
    /// Somebody has deleted the znodes of that item; the others are held.
    case itemLost(String)
    /// All that was still held is lost. The last event.
    case lost(LossReason)
}
