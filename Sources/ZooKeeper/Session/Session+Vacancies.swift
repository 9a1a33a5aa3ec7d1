import Locking

/// The queues that this session has had to itself; see ``Vacancy``.
extension Session {
    struct Vacancies {
        struct Entry {
            var vacancy = Vacancy()
            var watch: WatchID?
            var lastLeft: Uptime?
        }

        fileprivate var entries: [NodePath: Entry] = [:]
        fileprivate var watched = 0

        /// Each is a watch, which the server and the C client keep until the parent changes.
        fileprivate static let maximumWatched = 256
        /// Of all watches of the session, those of earlier connections too: the rest is for those that somebody cannot do without.
        static let watchBudget = WatchTable.byteBudget / 4
        fileprivate static let maximumCount = 1024
        /// Who comes back later than this saves the servers next to nothing by what is known, and others have had their time to come.
        fileprivate static let memory = Duration.milliseconds(200)

        /// - Returns: the watches that are of no use any more.
        mutating func disconnected() -> [WatchID] {
            let watches = entries.values.compactMap(\.watch)
            for path in entries.keys {
                entries[path]?.vacancy.disconnected()
                entries[path]?.watch = nil
            }
            watched = 0
            return watches
        }

        /// Whether whoever comes to that queue would do without a listing.
        fileprivate func isPromising(_ path: NodePath) -> Bool {
            guard let entry = entries[path], let lastLeft = entry.lastLeft, .now - lastLeft < Self.memory else {
                return false
            }
            return entry.vacancy.isPromising
        }

        fileprivate mutating func change<Value>(_ path: NodePath, _ body: (inout Entry) -> Value) -> Value {
            if entries.count >= Self.maximumCount, entries[path] == nil {
                entries = entries.filter { $0.value.vacancy.isWatched }
            }
            return body(&entries[path, default: Entry()])
        }
    }

    /// Whether to save the listing that comes with a creation, as the place will be the first.
    package func countsOnVacancy(at path: NodePath) -> Bool {
        core.withLock { core in
            core.vacancies.isPromising(path) && core.vacancies.entries[path]?.vacancy.countOnIt() ?? false
        }
    }

    /// The same of several queues, which are entered together: of all or, where one is not promising, of none.
    package func countsOnVacancy(atAll paths: [NodePath]) -> Bool {
        core.withLock { core in
            guard paths.allSatisfy({ core.vacancies.isPromising($0) }) else { return false }
            for path in paths { _ = core.vacancies.entries[path]?.vacancy.countOnIt() }
            return true
        }
    }

    /// This session has made a child of `path` that got this number; and perhaps others behind it, up to `last`. To be called before anything
    /// is done with an answer that came later.
    ///
    /// - Returns: nobody is ahead of it. `false`: that is not known.
    package func hasMade(_ number: Int32, last: Int32, at path: NodePath) -> Bool {
        core.withLock { $0.vacancies.change(path) { $0.vacancy.made(number, last: last) } }
    }

    /// The child is about to be deleted. Nobody was ahead of it.
    package func isLeaving(_ last: Int32, at path: NodePath) {
        core.withLock { core in
            core.vacancies.change(path) { entry in
                entry.vacancy.leaving(last)
                entry.lastLeft = .now
            }
        }
    }

    /// The child was there until now, and was deleted.
    package func hasLeft(_ last: Int32, at path: NodePath, deadline: ContinuousClock.Instant) {
        let attempt = core.withLock { core -> Int? in
            let hasRoom =
                core.vacancies.watched < Vacancies.maximumWatched && core.watches.bytes < Vacancies.watchBudget
            return core.vacancies.change(path) { entry in
                entry.vacancy.left(last)
                return hasRoom ? entry.vacancy.wantsWatch() : nil
            }
        }
        if let attempt { watchParent(path, attempt, deadline) }
    }

    private func watchParent(_ path: NodePath, _ attempt: Int, _ deadline: ContinuousClock.Instant) {
        let watch = try? reserveWatch(on: path, by: .get) { [weak self] _ in self?.stopWatching(path, attempt) }
        core.withLock { core in
            core.vacancies.watched += 1
            core.vacancies.entries[path]?.watch = watch
        }
        guard let watch else { return stopWatching(path, attempt) }
        submit(.get(path, watch: watch), deadline: deadline) { [weak self] result in
            guard let self else { return }
            if case .success = result {
                core.withLock { $0.vacancies.entries[path]?.vacancy.watchIsSet(attempt) }
            } else {
                forgetWatch(watch)
                stopWatching(path, attempt)
            }
        }
    }

    private func stopWatching(_ path: NodePath, _ attempt: Int) {
        core.withLock { core in
            core.vacancies.entries[path]?.vacancy.watchIsOver(attempt)
            core.vacancies.watched = core.vacancies.entries.values.count { $0.vacancy.isWatched }
        }
    }
}
