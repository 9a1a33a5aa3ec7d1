/// What a schedule is made of: how many, how slow, and what goes wrong how often. Times in milliseconds.
struct Setting: Hashable, Sendable {
    enum Recipe: Hashable, Sendable {
        case mutex
        /// How many of a hundred write, and how many of those become readers.
        case readWrite(writers: Int, downgrades: Int)
        /// So many permits, of which each contender wants some, up to `most`.
        case semaphore(permits: Int, most: Int)
    }

    var members = 3
    var tick: Int64 = 500
    /// For how many ticks leader and followers do without each other's word.
    var syncLimit: Int64 = 10
    /// The session timeout.
    var timeout: Int64 = 2000
    var clients = 3
    /// Several of them may share a client, and so a session.
    var contenders = 3
    /// How long the faults go on; what comes then has to come to an end.
    var length: Int64 = 20_000

    var clientDelay: ClosedRange<Int64> = 1...20
    /// How long each answer is on its way back to the client, many at a time; `nil`: as on the way there.
    var answerLatency: Int64?
    var memberDelay: ClosedRange<Int64> = 1...20
    /// How long a client goes without a connection at most; `nil`: a twentieth of the timeout.
    var reconnectDelay: Int64?
    /// The mean time between two other requests of a client, and one in how many is a write.
    var chatter: Int64?
    var chatterWrites = 8
    /// How much later than it should the leader pings.
    var pingLateness: ClosedRange<Int64> = 0...0
    /// How much later than the ping a follower tells the leader whom it has heard from.
    var relayLateness: ClosedRange<Int64> = 0...0

    /// The clients' lease clocks know the tick, and go by that.
    var tickIsKnown = false
    /// Begin only under a lease that two proofs confirm.
    var confirmed = false

    var arrival: Int64 = 1000
    /// The contenders of a client come one after the other, mostly at once, or after a while with this mean; `nil`: each in its own time.
    var rest: Int64?
    /// How often in a row a client has to have been alone before it counts on that; `nil`: as in production.
    var vacancyPatience: Int?
    var hold: Int64 = 600
    /// In how many of a hundred the caller waits only so long, or not at all.
    var impatient = 25
    var unwilling = 8
    var patience: Int64 = 3000

    /// How many of a hundred requests the server is too busy for.
    var throttled = 0

    // The mean time between two faults of a kind; `nil`: never.
    var breaks: Int64?
    /// A client's connection is silent for a while.
    var freezes: Int64?
    var freezeLength: Int64 = 1500
    /// A member is cut off from the others.
    var partitions: Int64?
    /// A provisional lease is held to its word only, which is silent about stalls.
    var excusesStalls = true
    var partitionLength: Int64 = 6000
    /// No shorter than this. Those that are shorter than the members' patience end without anybody having left: a stall.
    var shortestPartition: Int64 = 0
    var crashes: Int64?
    var crashLength: Int64 = 2000
    /// The leader steps down, and another is elected.
    var elections: Int64?
    /// The leader is cut off, and is slow to see that there is another by now.
    var depositions: Int64?
    /// A client takes its session for expired, though it is not.
    var abandonments: Int64?
    /// Somebody writes into a contender's znode.
    var scribbles: Int64?
    /// Somebody deletes a contender's znode by hand.
    var deletions: Int64?
    /// The lock's path is removed whenever it is empty.
    var reapings: Int64?
    /// What the contenders stand in line for.
    var recipe = Recipe.mutex
    /// How late one may be granted what is free for it, where nothing fails; `nil`: not looked at.
    var latestGrant: Int64?
    /// The sequence number of the first contender.
    var firstSequence: Int32 = 0
}
