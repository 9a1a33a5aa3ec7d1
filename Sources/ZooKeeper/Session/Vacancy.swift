/// What a session knows of a queue that it has lately had to itself: whether its next place there is the first.
///
/// A znode counts the children that are made in it, and a sequential child gets the count for its number. So when a child of this session had
/// nobody ahead and is gone, and the next one that the session makes there gets the next number, then nobody has come between the two, and
/// nobody is ahead of the second one either: the answer to its creation says what a listing would, and the listing can be saved.
///
/// That is so for one and the same parent only; one that is deleted and made again counts anew, and might just have come to that number. So the
/// session watches the parent, from when the first of the two was there until the second one is: what is told of a znode that a client
/// watches is told ahead of every answer that shows what came later
/// (https://zookeeper.apache.org/doc/current/zookeeperProgrammers.html#sc_WatchGuarantees), in one connection.
///
/// Whoever counts on it and is wrong has to list after all, and that costs a round trip. So it is counted on only by who was right often
/// enough without.
package struct Vacancy: Hashable, Sendable {
    /// What that rests on. Only the default is ever used; the simulation swaps one at a time and has to notice.
    package struct Rules: Hashable, Sendable {
        /// A parent of this name will do.
        package var trustsAnyParent = false
        /// A number that is larger will do.
        package var ignoresGaps = false
        /// What is watched in one connection counts in the next.
        package var outlivesConnections = false
        /// How often in a row the session has to have been alone before it counts on that.
        package var patience = 8

        package init() {}
    }

    package enum Watch: Hashable, Sendable {
        case none
        case asked(Int)
        case set(Int)

        package var attempt: Int? {
            switch self {
            case .none: nil
            case .asked(let attempt), .set(let attempt): attempt
            }
        }
    }

    private let rules: Rules
    package private(set) var watch = Watch.none
    /// How many watches were asked for.
    private var attempts = 0
    /// Nobody is in the queue who has this number or an earlier one.
    package private(set) var gone: Int32?
    /// The parent is watched since one of those was there.
    package private(set) var isSure = false
    /// The last one that this session has made, and not left.
    package private(set) var latest: Int32?
    package private(set) var isLeaving = false
    /// How often in a row nobody has come between.
    package private(set) var streak = 0
    package private(set) var needed: Int
    package private(set) var isCountedOn = false

    package init(_ rules: Rules = Rules()) {
        self.rules = rules
        needed = rules.patience
    }

    package var isWatched: Bool { watch != .none }

    /// Whether the next place may well be the first.
    package var isPromising: Bool {
        guard case .set = watch else { return false }
        return streak >= needed && (gone != nil && isSure || isLeaving)
    }

    /// Whether to count on the next place being the first.
    package mutating func countOnIt() -> Bool {
        guard isPromising else { return false }
        isCountedOn = true
        return true
    }

    /// The session has made a child that got this number; and perhaps others behind it, up to `last`.
    ///
    /// - Returns: nobody is ahead of it. `false`: that is not known.
    package mutating func made(_ number: Int32, last: Int32) -> Bool {
        let follows = gone.map { rules.ignoresGaps ? number > $0 : $0 < .max && number == $0 + 1 } ?? false
        if follows {
            streak = min(streak + 1, 4 * Self.longestPatience)
            // Times have changed.
            if streak >= 4 * needed { needed = max(needed / 2, rules.patience) }
        } else {
            // Somebody comes just when it is counted on that nobody does.
            if isCountedOn { needed = min(needed * 2, Self.longestPatience) }
            streak = 0
        }
        let isFirst = follows && isSure
        (gone, isSure, latest, isLeaving, isCountedOn) = (nil, false, last, false, false)
        return isFirst
    }

    private static let longestPatience = 1024

    /// The session has asked for the removal of the child with this number, which nobody was ahead of.
    package mutating func leaving(_ last: Int32) {
        isLeaving = latest == last
    }

    /// It is gone: it was there until now.
    package mutating func left(_ last: Int32) {
        guard latest == last else { return }
        (gone, latest, isLeaving) = (last, nil, false)
        isSure = rules.trustsAnyParent
        if case .set = watch { isSure = true }
    }

    // MARK: The parent

    /// Whether the parent should be watched from now on, and by which number that goes.
    package mutating func wantsWatch() -> Int? {
        guard watch == .none, streak + 1 >= needed else { return nil }
        attempts += 1
        watch = .asked(attempts)
        return attempts
    }

    package mutating func watchIsSet(_ attempt: Int) {
        if watch == .asked(attempt) { watch = .set(attempt) }
    }

    /// The parent has changed, or cannot be watched.
    package mutating func watchIsOver(_ attempt: Int) {
        guard watch.attempt == attempt else { return }
        watch = .none
        forget()
    }

    /// What happens to the parent from here on may not be told in time.
    package mutating func disconnected() {
        guard !rules.outlivesConnections else { return }
        watch = .none
        forget()
    }

    private mutating func forget() {
        guard !rules.trustsAnyParent else { return }
        (gone, isSure, isLeaving, streak) = (nil, false, false, 0)
    }
}
