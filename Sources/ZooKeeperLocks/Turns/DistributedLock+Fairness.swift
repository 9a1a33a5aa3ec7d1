import ZooKeeper

extension DistributedLock {
    /// Who comes next: among all, or first among the tasks of this process.
    public enum Fairness: Hashable, Sendable {
        /// Whoever asked first, of all tasks of all processes: each acquire is a contender of its own.
        case strict
        /// One contender for this process, whose tasks take turns in memory: first come, first served among themselves, and without asking a
        /// server. The bounded unfair mode, for locks that many tasks of few processes want all the time.
        ///
        /// It is one contender for each client and path: locks of the same client, with the same path and the same options but for
        /// ``Options/maximumHold`` and ``Options/isReentrant``, share it.
        ///
        /// **The bound.** As long as nobody else queues, the process goes on. With somebody else in the queue the znode is given back after at
        /// most `maxConsecutive` turns, and the process queues again at the end, with its tasks in their order:
        ///
        /// - A process that had to wait for others has `maxConsecutive` turns with that znode at most, whether or not they come again. So
        ///   between processes that want the lock all the time the bound is exact.
        /// - One that found nobody ahead has `maxConsecutive` turns at most until it has looked at the queue. Whoever was there by then
        ///   waits for `maxConsecutive` turns at most, counted from the first.
        /// - Who comes later is told of by a watch. From then on there are `maxConsecutive` turns at most, with the one that is under way.
        ///
        /// The worst case is thus what the process does in the time that a server takes to tell of a newcomer (mostly about a millisecond, and
        /// any number of turns that fit into it), and `maxConsecutive` turns. Without a connection nobody tells, until there is one again or
        /// the lease is over. A turn takes as long as its body does; ``Options/maximumHold`` limits it.
        ///
        /// **Linger.** After the last turn the znode is kept for so long, with a watch on the queue; taking it again costs no round trip. When
        /// somebody else comes it is given back at once: the newcomer waits for one event and one delete longer. With zero it is given back
        /// when no task of this process waits. The session goes on proving that it lives, as for a lock that is held.
        ///
        /// The ``FencingToken`` is the pair of the znode's `czxid` and the turn, which rises by one with each turn.
        ///
        /// - `maxConsecutive`: 1 or more.
        /// - `linger`: zero or more.
        case perProcess(maxConsecutive: Int, linger: Duration = .zero)
    }
}

extension DistributedLock.Fairness {
    /// What is wrong with it, for errors.
    var fault: String? {
        switch self {
        case .strict: nil
        case .perProcess(let maxConsecutive, _) where maxConsecutive < 1:
            "a fairness of \(maxConsecutive) turns at most: one or more"
        case .perProcess(_, let linger) where linger < .zero: "a linger of \(linger): zero or more"
        case .perProcess: nil
        }
    }
}
