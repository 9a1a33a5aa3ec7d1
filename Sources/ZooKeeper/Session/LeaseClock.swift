/// Until when a session may be believed to live: how long the leader surely keeps it, from what was asked and answered.
///
/// A pure value: no clock, no I/O. It is told what happened, with instants taken by whoever drives it, before sending and after
/// receiving, and computes ``validUntil``.
///
/// Why not simply "timeout after the last answer": on a follower cut off from its peers, pings and reads go on being answered for as
/// long as its `syncLimit` after the leader has ended the session. And acknowledged writes do not keep a session alive either:
/// the leader hears of a session only by connecting and by what followers relay in their answers to its pings, each half tick.
/// But what a follower relays arrives in order with what it forwards. So when a write was committed, everything that was relayed
/// ahead of it had reached the leader; and what was answered half a tick before the write was sent had surely been relayed
/// by then. That makes:
///
/// - *proof*: a write that was answered well; *activity*: anything that was answered at all, in this connection;
/// - *confirmed*: a second proof shows that the pings and relays were not late at the first: the session lives for its timeout from
///   the start of the latest activity that was answered ``relayAllowance`` before the first proof was sent;
/// - *provisional*: one proof alone, with a larger allowance: what an idle session's first acquire has to go by;
/// - *floor*: a connection begins with a handshake that goes through the leader, so an instant before it needs no relay; a proof in
///   that connection shows that the leader was none that had been deposed.
///
/// What that is worth is measured in a simulation of late servers (`LeaseLatenessTests`), in fractions of the timeout T. A confirmed
/// lease is sound with the leader's pings late by 0.3 T, or the followers' relays by 0.3 T, or both by 0.1 T. After a *stall*, a
/// partition that heals or a pause of a server that ends before anybody is given up, it is sound with pings late by 0.15 T, or relays
/// by T/12 more. A provisional lease is sound with both together late by T/3 less half a tick, and without a stall.
///
/// Beyond that a session may end under a lease: with relays late by 0.3 T after a stall it did in 2 of 1000 schedules. It may also
/// when the machine stops the clock. That is what fencing tokens are for.
package struct LeaseClock<Instant: InstantProtocol & Sendable>: Hashable, Sendable where Instant.Duration == Duration {
    /// What the clock's word rests on. The simulation shows that each is needed, by leaving it out.
    package struct Rules: Hashable, Sendable {
        /// A lease is confirmed by two proofs apart, not by one.
        package var confirmsByTwoProofs = true
        /// What was answered counts as of when it was asked: the answer may have been long on its way.
        package var countsFromTheStart = true
        /// Reads are answered by followers that the leader has given up.
        package var provesByWritesOnly = true
        /// What was answered is relayed with the leader's next ping, not at once.
        package var allowsForRelay = true

        package init() {}
        package static var sound: Self { Self() }
    }

    /// What is fixed for a client.
    package struct Configuration: Hashable, Sendable {
        /// By how much the server's clock may run faster, as a fraction.
        package var drift = 0.001
        /// The servers' tick, where it is known; otherwise the timeout is taken to be as short as servers allow: two ticks.
        package var tick: Duration?

        package init() {}
    }

    package struct Answered: Hashable, Sendable {
        package var start: Instant
        package var end: Instant
    }

    /// What is computed from the session timeout once, since answers come by the thousand.
    private struct Spans: Hashable, Sendable {
        var relayAllowance: Duration
        var proofSpacing: Duration
        /// Both together.
        var provisionalAllowance: Duration
        var half: Duration
        /// From what is kept to the next.
        var grain: Duration
        var lifetime: Duration

        init(_ timeout: Duration, _ configuration: Configuration, _ rules: Rules) {
            relayAllowance =
                rules.allowsForRelay ? min(configuration.tick.map { $0 / 2 } ?? timeout / 4, timeout / 4) : .zero
            proofSpacing = timeout / 12
            provisionalAllowance = relayAllowance + proofSpacing
            half = timeout / 2
            grain = timeout / 64
            lifetime = timeout * (1 - configuration.drift)
        }
    }

    private let rules: Rules
    private let configuration: Configuration
    private var spans: Spans
    /// The session timeout, as negotiated.
    package private(set) var timeout: Duration
    /// By ``validUntil`` the leader may have ended the session. An instant in the past: not valid. `nil`: never was.
    package private(set) var validUntil: Instant?
    /// As far as two proofs reach.
    package private(set) var confirmedUntil: Instant?

    /// Both in the order of their answers, and thinned out.
    package private(set) var activities: [Answered] = []
    package private(set) var proofs: [Answered] = []
    package private(set) var isConnected = false
    package private(set) var floor: Instant?
    /// An instant at which there was surely no connection.
    package private(set) var lastDown: Instant?
    /// What ``validUntil`` was counted from.
    package private(set) var base: Instant?
    package private(set) var confirmedBase: Instant?

    package init(timeout: Duration, configuration: Configuration = .init(), rules: Rules = .sound) {
        self.timeout = timeout
        self.configuration = configuration
        self.rules = rules
        spans = Spans(timeout, configuration, rules)
    }

    /// How long before a write something has to have been answered to have reached the leader ahead of it: the time between two of the
    /// leader's pings, which is half a tick.
    package var relayAllowance: Duration { spans.relayAllowance }

    /// How far apart two proofs have to be for the second to confirm the first.
    package var proofSpacing: Duration { spans.proofSpacing }

    // MARK: What happened

    /// At `instant` there was no connection, and none being agreed upon.
    package mutating func sawNoConnection(at instant: Instant) {
        lastDown = max(lastDown ?? instant, instant)
    }

    /// A connection came about; `timeout` is what the server agreed to this time.
    package mutating func connected(timeout: Duration) {
        // What was asked last in the connection before was asked before this handshake, too.
        let last = activities.last?.start
        floor = later(later(floor, lastDown), last)
        spans = Spans(timeout, configuration, rules)
        if timeout < self.timeout {
            validUntil = base.map { min(validUntil ?? $0, $0.advanced(by: spans.lifetime)) }
            confirmedUntil = confirmedBase.map { min(confirmedUntil ?? $0, $0.advanced(by: spans.lifetime)) }
        }
        self.timeout = timeout
        activities = []
        proofs = []
        isConnected = true
    }

    /// The connection is gone. The next one may be on its way already, so this says nothing of when that begins.
    package mutating func disconnected() {
        isConnected = false
    }

    /// A request of this connection was answered, well or not.
    ///
    /// - Parameters:
    ///   - start: taken before the request was handed over.
    ///   - end: taken when the answer was there.
    ///   - isProof: it was a write, and a quorum has agreed to it.
    package mutating func answered(from start: Instant, to end: Instant, isProof: Bool) {
        guard isConnected, start <= end else { return }
        let start = rules.countsFromTheStart ? start : end
        if isProof || !rules.provesByWritesOnly { prove(start, end) }
        Self.keep(Answered(start: start, end: end), in: &activities, for: timeout, grain: spans.grain)
    }

    private mutating func prove(_ start: Instant, _ end: Instant) {
        defer { Self.keep(Answered(start: start, end: end), in: &proofs, for: timeout, grain: spans.grain) }
        let first = proofs.last { $0.end <= start.rewound(by: proofSpacing) }
        let proven = rules.confirmsByTwoProofs ? first?.start : start
        if let confirmed = latest(endedBy: proven?.rewound(by: relayAllowance)) {
            confirmedBase = max(confirmedBase ?? confirmed, confirmed)
            confirmedUntil = max(confirmedUntil ?? confirmed, confirmed.advanced(by: spans.lifetime))
            believe(confirmed)
        }
        // A lease that runs and can be confirmed is not stretched by weaker evidence.
        let isRunning = validUntil.map { $0 > end } ?? false
        guard first == nil || !isRunning, isLively(before: start) else { return }
        if let provisional = latest(endedBy: start.rewound(by: spans.provisionalAllowance)) { believe(provisional) }
    }

    /// After a silence the leader may be about to end the session without anybody having noticed.
    private func isLively(before start: Instant) -> Bool {
        let recently = start.rewound(by: spans.half)
        return activities.last.map { $0.end >= recently } ?? false || floor.map { $0 >= recently } ?? false
    }

    /// The latest instant from which the session has its whole timeout, going by what was answered by `end`.
    private func latest(endedBy end: Instant?) -> Instant? {
        let answer = end.flatMap { end in activities.last { $0.end <= end } }
        return later(floor, answer?.start)
    }

    private mutating func believe(_ base: Instant) {
        self.base = max(self.base ?? base, base)
        let until = base.advanced(by: spans.lifetime)
        validUntil = max(validUntil ?? until, until)
    }

    private func later(_ one: Instant?, _ other: Instant?) -> Instant? {
        guard let one, let other else { return one ?? other }
        return max(one, other)
    }

    /// Keeps what may still be asked for, at a distance that makes the rest little: whatever is left out makes the lease shorter,
    /// never longer.
    ///
    /// Of the type, not of the clock: that would be copied for the call, and with it the list that is about to change.
    private static func keep(
        _ answer: Answered, in answers: inout [Answered], for timeout: Duration, grain: Duration
    ) {
        let horizon = answer.end.rewound(by: timeout)
        // The youngest of those that are too old is kept: it may be the last there is.
        while answers.count > 1, answers[1].end < horizon { answers.removeFirst() }
        if answers.count > 1, answers[answers.count - 2].end.duration(to: answer.end) < grain {
            answers.removeLast()
        }
        answers.append(answer)
    }
}

extension InstantProtocol where Duration == Swift.Duration {
    fileprivate func rewound(by duration: Duration) -> Self { advanced(by: .zero - duration) }
}
