/// Something that a worker did, or that was done to it, and when.
///
/// Codable because a worker may be a process of its own: `ContinuousClock` counts from the start of the machine, so its
/// instants mean the same in each of its processes.
struct Event: Codable, Equatable, Sendable {
    var worker: Int
    /// Counted from 1.
    var round: Int
    var instant: ContinuousClock.Instant
    var kind: Kind

    enum Kind: Codable, Equatable, Sendable {
        case queued(Place, ahead: Int)
        /// Noted right after the acquire returned; `waited` is the time since it was called.
        case acquired(Place, waited: Duration)
        /// Noted right before the release was called.
        case released(Place, held: Duration)
        /// The lease was over before the worker released it.
        case lost(Place, held: Duration)
        /// Its follower was cut off, and it was told to stop: noted when it had, as `lost` is. What it does under the lock
        /// ended here, ahead of the lock's being given away.
        case cancelled(Place, held: Duration)
        /// The worker's process was killed while it held, and was seen to be gone.
        case crashed(Place, held: Duration, killed: ContinuousClock.Instant)
        /// The worker gave up: nothing more comes from it.
        case failed(String)
    }

    var place: Place? {
        switch kind {
        case .queued(let place, _), .acquired(let place, _), .released(let place, _), .lost(let place, _),
            .cancelled(let place, _), .crashed(let place, _, _):
            place
        case .failed: nil
        }
    }
}

/// A place in the queue.
struct Place: Codable, Hashable, Sendable {
    /// The full path of the contender's znode.
    var node: String
    var token: Int64
}
