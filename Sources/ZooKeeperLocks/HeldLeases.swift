import ZooKeeper

/// What the bodies hold that the current task runs in, or was started in.
enum HeldLeases {
    /// Innermost last. Weak in effect: a lease that is over counts no more, whoever still carries it.
    @TaskLocal static var current: [Lease] = []

    /// Without those that are over: a task that was started in a body may live for long, and start others.
    static var stillHeld: [Lease] { current.filter(\.isStillHeld) }

    /// The innermost one of the same lock, through the same client.
    static func lease(on entrance: QueueEntrance) -> Lease? {
        current.last { lease in
            lease.path == entrance.path && lease.contender.client === entrance.client && lease.isStillHeld
        }
    }
}

extension Lease {
    /// Not given back: whoever waits for it to go would wait on.
    fileprivate var isStillHeld: Bool { !isGivenBack }
}
