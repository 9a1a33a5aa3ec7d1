import ZooKeeper

/// What is to be done.
struct RunPlan: Sendable {
    enum Voice: Sendable { case silent, normal, verbose }

    var path: NodePath
    /// Zero: take it or leave it.
    var timeout: Duration?
    var label: String?
    var acl: [ACL]
    var conflictExitCode = ExitStatus.notObtained.rawValue
    var killAfter: Duration
    var ignoresRevocation = false
    var voice: Voice
    var configuration: ZooKeeperClient.Configuration
    /// The lock is an office: whoever has lost it queues again.
    var isElection = false

    /// The longest time between the request to end and the kill. While all is well a lease lasts for a third of the session timeout
    /// at the least; what is left of that is the outage that a command survives.
    static func killShare(of sessionTimeout: Duration) -> Duration { sessionTimeout / 5 }

    /// How long before the end of the lease everybody is to be dead.
    static func margin(of sessionTimeout: Duration) -> Duration { sessionTimeout / 20 }
}
