import ZooKeeper

/// Which of many items to ask for next: as many at a time as are wanted, in order, and none that is known to be somebody's.
///
/// No more are under way than are still wanted, so there is never one too many to give back. Where many turn out to be taken, one
/// listing tells of all the others that are, too: it is a hint, which saves requests and decides nothing.
struct ClaimRound: Sendable {
    enum Step: Hashable, Sendable {
        /// Ask for the item at that index.
        case claim(Int)
        /// List what is claimed.
        case list
    }

    /// How many may be under way at the same time.
    static let width = 256
    /// So many have to turn out to be taken before a listing is worth it.
    static let enoughToList = 16

    private let names: [String]
    private let wanted: Int
    private var following = 0
    /// As paths, which are compared by their bytes.
    private var known: Set<NodePath> = []
    private var takenSinceListing = 0
    private var isListing = false
    private(set) var underway: Set<Int> = []
    private(set) var obtained: [Int] = []

    init(_ names: [String], wanted: Int) {
        self.names = names
        self.wanted = wanted
    }

    /// Nothing is under way, and nothing more is to be asked.
    var isOver: Bool {
        underway.isEmpty && !isListing && (obtained.count >= wanted || following >= names.count)
    }

    /// What to do now; `nil` when there is something to wait for, or nothing to do.
    mutating func next() -> Step? {
        guard !isListing, underway.count < min(Self.width, wanted - obtained.count) else { return nil }
        if takenSinceListing >= Self.enoughToList, names.count - following >= Self.enoughToList {
            isListing = true
            return .list
        }
        while following < names.count {
            let index = following
            following += 1
            guard !known.contains(NodePath(unchecked: names[index])) else { continue }
            underway.insert(index)
            return .claim(index)
        }
        return nil
    }

    mutating func wasObtained(_ index: Int) {
        underway.remove(index)
        obtained.append(index)
    }

    mutating func wasTaken(_ index: Int) {
        underway.remove(index)
        takenSinceListing += 1
    }

    /// - Parameter names: those that are claimed; `nil` when that could not be learned.
    mutating func listed(_ names: [String]?) {
        isListing = false
        takenSinceListing = 0
        known = Set((names ?? []).map { NodePath(unchecked: $0) })
    }
}
