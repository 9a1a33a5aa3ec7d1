import ZooKeeper

extension FaultProxy {
    /// Ends all faults, for all connections: new connections are taken again, what was delayed or kept is delivered, and no reply is
    /// dropped any more.
    public func pass() async {
        await complete { core in
            core.arm(nil)
            core.change(.both, .all) { $0 = Conditions() }
            return core.refuse(nil)
        }
    }

    /// Closes every connection now; what is on its way is dropped. New connections are taken. Returns when all are closed.
    ///
    /// - Parameter reset: Both ends see a TCP reset instead of an orderly end.
    public func cut(reset: Bool = false) async {
        await complete { $0.cut(reset: reset) }
    }

    /// Turns new connections away, until ``accept()`` or ``pass()``. Those that are open stay; see ``cut(reset:)``.
    public func refuse(_ refusal: Refusal = .atConnect) async {
        await complete { $0.refuse(refusal) }
    }

    /// Takes new connections again. Where somebody else has taken the port meanwhile, this waits for up to a minute until it is free.
    public func accept() async {
        await complete { $0.refuse(nil) }
    }

    /// Keeps everything back for some time; zero ends that. What is on its way departs when it was to, or when it would if it had
    /// arrived now, whichever is sooner. The order is kept.
    ///
    /// - Parameters:
    ///   - delay: From the arrival at the proxy to the departure.
    ///   - jitter: Up to so much is added, anew for each piece that arrives, by chance from the proxy's seed.
    ///   - directions: Which way.
    ///   - reach: On which connections.
    public func delay(
        _ delay: Duration, jitter: Duration = .zero, _ directions: Directions = .both, on reach: Reach = .all
    ) async {
        await change(directions, reach) {
            $0.delay = max(.zero, delay)
            $0.jitter = max(.zero, jitter)
        }
    }

    /// Lets only so many bytes through each second, on each connection and each way for itself.
    ///
    /// - Parameters:
    ///   - bytesPerSecond: At least 1; `nil` for no limit.
    ///   - directions: Which way.
    ///   - reach: On which connections.
    public func limit(bytesPerSecond: Int?, _ directions: Directions = .both, on reach: Reach = .all) async {
        await change(directions, reach) { $0.bytesPerSecond = bytesPerSecond.map { max(1, $0) } }
    }

    /// Delivers nothing more, as a network that loses every packet: bytes, and also the news that an end was closed, are taken and
    /// kept until ``thaw(_:on:)``, and dropped by ``cut(reset:)``. A connection that is made while the way to the server is frozen
    /// reaches the server after the thaw.
    ///
    /// - Parameters:
    ///   - directions: Which way; one of them makes a half-open connection.
    ///   - reach: On which connections.
    public func freeze(_ directions: Directions = .both, on reach: Reach = .all) async {
        await change(directions, reach) { $0.isFrozen = true }
    }

    /// Delivers what was kept, and everything after it.
    public func thaw(_ directions: Directions = .both, on reach: Reach = .all) async {
        await change(directions, reach) { $0.isFrozen = false }
    }

    /// Drops the k-th reply from now on, over all connections, and closes its connection: the server has executed the request, and
    /// the client sees a lost connection. The replies before it are delivered. Requests that the client sent behind it may have been
    /// executed too.
    ///
    /// Only replies to requests count: not the handshake, pings, the events of watches, credentials, and watches that are set again
    /// after a reconnect. There is one drop at a time: this one takes the place of one before it.
    ///
    /// - Parameters:
    ///   - number: Which one, from 1.
    ///   - opcode: Counts only replies to such requests; `nil` for all.
    /// - Returns: What to await; see ``ReplyDrop/dropped()``.
    @discardableResult
    public func dropReply(_ number: Int = 1, to opcode: Opcode? = nil) async -> ReplyDrop {
        let drop = ReplyDrop()
        let isArmed = await run { $0.arm(ReplyCountdown(drop, number: number, opcode: opcode)) }
        if !isArmed { drop.outcome.resolve(nil) }
        return drop
    }

    private func change(
        _ directions: Directions, _ reach: Reach, _ change: @escaping @Sendable (inout Conditions) -> Void
    ) async {
        await run { $0.change(directions, reach, change) }
    }
}
