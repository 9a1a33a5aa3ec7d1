import ZooKeeper

@testable import ZooKeeperLocks

/// A client: its session, its connection, and what is on its way.
struct SmallClient {
    struct Watcher {
        var ask: SmallAsk
        var name: Name
        /// Set in this connection.
        var isCurrent = true
    }

    /// Unique: the client's number and how many sessions it had before.
    var session: UInt8
    var isConnected = true
    /// What the lease clock says. The session ends only when it says no: that is its promise.
    var leaseIsValid = true
    /// Sent, not arrived.
    var toServer: [SmallAsk] = []
    /// On the way back.
    var toClient: [SmallPacket] = []
    /// Not answered, as far as the client knows, in order.
    var outstanding: [SmallAsk] = []
    /// Waits for a connection.
    var parked: [SmallAsk] = []
    var watches: [Watcher] = []
    /// Those who wait for the answer to another's request; see `Session.joinWatch`.
    var followers: [SmallAsk] = []
    /// What it knows of the queue; `nil`: it does not care.
    var vacancy: Vacancy?
    /// Writes of a lost connection that may still be executed.
    var stragglers: [SmallAsk] = []
}

/// A contender, with what its driver and its user know.
struct SmallContestant {
    var machine: QueueMachine
    var client: Int
    var entry: UInt8 = 0
    var hasEntered = false
    var isOver = false
    var isInBody = false
    var isLost = false
    var hasEndedBody = false
    var hasDeparted = false
    var own: QueueMachine.Own?
    /// In which it was granted.
    var session: UInt8 = 0
    /// What is set already, and it has not been told; see `SmallWorld.Bounds.tellsOfWatchesLate`.
    var untold: [Inquiry] = []
    var pauses: [(step: Int, pause: QueueMachine.Pause)] = []
}
