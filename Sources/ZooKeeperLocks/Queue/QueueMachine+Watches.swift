extension QueueMachine {
    enum WatchProgress: Hashable, Sendable {
        case asked(byExists: Bool)
        case set
        /// Not allowed, or not possible.
        case refused
    }

    /// How far the watches of one connection have come, each under the name of its node.
    ///
    /// A contender has three at a time: its predecessor, its own node, the forerunner. A dictionary of them would be several times as large, and
    /// an allocation for each acquire.
    struct Watches: Sendable {
        private var known = Few<(name: String, progress: WatchProgress)>()

        subscript(name: String) -> WatchProgress? {
            get { known.first { $0.name == name }?.progress }
            set {
                known.removeAll { $0.name == name }
                if let newValue { known.add((name, newValue)) }
            }
        }

        /// Leaves only those that `condition` holds of.
        mutating func keep(where condition: (String) -> Bool) {
            known.removeAll { !condition($0.name) }
        }

        func forEach(_ body: (_ name: String, _ progress: WatchProgress) -> Void) {
            known.forEach { body($0.name, $0.progress) }
        }
    }
}
