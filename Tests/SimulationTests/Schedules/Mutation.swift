import ZooKeeper

@testable import ZooKeeperLocks

/// A rule that is left out, and the kind of schedule in which that is to show.
enum Mutation: String, CaseIterable, Sendable {
    case confirmedLeaseFromOneWrite
    case replyTimeInsteadOfStart
    case readsAsProof
    case noRelayAllowance
    case grantOnAnyDeletionOfThePredecessor
    case grantFromBeforeTheReconnect
    case adoptTheOldSessionsNode
    case syncAsRecoveryBarrier
    case stringOrderAtTheWrap
    case cleanUpDroppedOnCancellation
    case dataChangeGrants
    case releaseRecordOfANonHead
    case newUUIDOnRetry
    case ownNodeNotChecked
    case readerIgnoresAWriterAhead
    case downgradeInTwoSteps
    case headWatchesOneHolder
    case pokeOmitted
    case vacancyOfAnotherParent
    case vacancyWithGaps
    case vacancyBehindOtherReaders
    case vacancyFromBeforeTheReconnect
    case watchJoinedTooEarly

    var rules: Rules {
        var rules = Rules()
        switch self {
        case .confirmedLeaseFromOneWrite: rules.lease.confirmsByTwoProofs = false
        case .replyTimeInsteadOfStart: rules.lease.countsFromTheStart = false
        case .readsAsProof: rules.lease.provesByWritesOnly = false
        case .noRelayAllowance: rules.lease.allowsForRelay = false
        case .grantOnAnyDeletionOfThePredecessor: rules.queue.grantsOnAnyDeletion = true
        case .grantFromBeforeTheReconnect: rules.queue.keepsArmsAcrossConnections = true
        case .adoptTheOldSessionsNode:
            rules.queue.adoptsNodesOfOldSessions = true
            rules.reusesUUID = true
        case .syncAsRecoveryBarrier: rules.syncsForBarrier = true
        case .stringOrderAtTheWrap: rules.queue.ordersByText = true
        case .cleanUpDroppedOnCancellation: rules.queue.forgetsCleanUp = true
        case .dataChangeGrants: rules.queue.grantsOnAnyEvent = true
        case .releaseRecordOfANonHead: rules.queue.recordsWhenGivingUp = true
        case .newUUIDOnRetry: rules.queue.usesNewUUIDOnRetry = true
        case .ownNodeNotChecked: rules.queue.ignoresOwnNode = true
        case .readerIgnoresAWriterAhead: rules.queue.readsPastWriters = true
        case .downgradeInTwoSteps: rules.downgradesInTwoSteps = true
        case .headWatchesOneHolder: rules.queue.watchesOneHolder = true
        case .pokeOmitted: rules.queue.forgetsPoke = true
        case .vacancyOfAnotherParent: rules.vacancy.trustsAnyParent = true
        case .vacancyWithGaps: rules.vacancy.ignoresGaps = true
        case .vacancyBehindOtherReaders: rules.queue.takesHoldersForFirst = true
        case .vacancyFromBeforeTheReconnect: rules.vacancy.outlivesConnections = true
        case .watchJoinedTooEarly: rules.joinsWatchesTooEarly = true
        }
        return rules
    }

    func setting(seed: UInt64) -> Setting {
        var setting = Setting()
        setting.contenders = 8
        setting.clients = 8
        switch self {
        case .confirmedLeaseFromOneWrite:
            setting = .leases(seed: seed)
            setting.confirmed = true
            setting.chatter = 40
            setting.pingLateness = 0...setting.timeout * 3 / 10
        case .replyTimeInsteadOfStart:
            setting = .leases(seed: seed)
            // A member is cut off, and answers of before go on arriving: by the time of their arrival the session seems to be alive.
            // Where the tick is not known, the allowances are larger, and cover answers that take up to T/3.
            setting.tickIsKnown = true
            setting.answerLatency = setting.timeout * 7 / 20
            setting.chatter = 40
            setting.chatterWrites = 3
        case .readsAsProof:
            setting = .leases(seed: seed)
        case .noRelayAllowance:
            setting = .leases(seed: seed)
            setting.chatter = 40
            setting.pingLateness = 0...setting.timeout / 5
        case .grantOnAnyDeletionOfThePredecessor, .cleanUpDroppedOnCancellation:
            setting.impatient = 60
            setting.patience = 1500
        case .watchJoinedTooEarly:
            setting.clients = 2
            setting.impatient = 60
            setting.patience = 1500
        case .grantFromBeforeTheReconnect:
            setting.breaks = 60
            setting.reconnectDelay = setting.timeout / 3
            setting.deletions = 150
            setting.hold = 150
            setting.arrival = 2000
            setting.contenders = 20
            setting.clients = 20
        case .adoptTheOldSessionsNode:
            setting.breaks = 200
            setting.abandonments = 800
        case .syncAsRecoveryBarrier:
            setting.contenders = 10
            setting.arrival = 8000
            setting.depositions = 1200
            setting.partitionLength = 3000
            setting.breaks = 40
            setting.reconnectDelay = 20
            setting.impatient = 100
            setting.patience = 150
            setting.clientDelay = 1...30
            setting.memberDelay = 1...4
        case .stringOrderAtTheWrap: setting.firstSequence = -4
        case .dataChangeGrants: setting.scribbles = 300
        case .releaseRecordOfANonHead:
            setting.impatient = 60
            setting.patience = 2500
            setting.contenders = 12
            setting.clients = 12
        case .newUUIDOnRetry: setting.breaks = 200
        case .ownNodeNotChecked:
            setting.deletions = 300
            setting.contenders = 6
            setting.clients = 6
        case .readerIgnoresAWriterAhead, .downgradeInTwoSteps:
            setting.recipe = .readWrite(writers: 50, downgrades: 60)
            setting.hold = 300
            setting.latestGrant = 2000
        case .headWatchesOneHolder, .pokeOmitted:
            // Long bodies, so that one more than is needed shows.
            setting.recipe = .semaphore(permits: 3, most: 1)
            setting.hold = 4000
            setting.latestGrant = 2000
            setting.impatient = 0
        case .vacancyOfAnotherParent:
            // News of the path is late.
            setting = .alone(reapings: 5)
            setting.freezes = 200
            setting.freezeLength = 600
            setting.hold = 150
            setting.clientDelay = 1...5
            setting.memberDelay = 1...5
            setting.rest = 600
        case .vacancyWithGaps: setting = .alone()
        case .vacancyBehindOtherReaders:
            setting = .alone()
            setting.rest = nil
            setting.recipe = .readWrite(writers: 30, downgrades: 0)
        case .vacancyFromBeforeTheReconnect:
            setting = .alone(reapings: 5)
            setting.breaks = 100
            setting.reconnectDelay = 300
        }
        return setting
    }

    /// One that shows it. A debug build tries no other.
    var knownSeed: UInt64 {
        switch self {
        case .confirmedLeaseFromOneWrite: 88
        case .noRelayAllowance: 86
        case .grantFromBeforeTheReconnect: 22
        case .adoptTheOldSessionsNode: 4
        case .syncAsRecoveryBarrier: 303
        case .releaseRecordOfANonHead: 6
        case .newUUIDOnRetry: 3
        case .ownNodeNotChecked: 2
        case .vacancyOfAnotherParent: 40
        case .vacancyBehindOtherReaders: 60
        case .vacancyFromBeforeTheReconnect: 27
        case .watchJoinedTooEarly: 15
        default: 1
        }
    }
}

extension Setting {
    /// Two clients that come again and again, and mostly find nobody there.
    static func alone(reapings: Int64? = nil) -> Setting {
        var setting = Setting()
        setting.clients = 2
        setting.contenders = 40
        setting.hold = 10
        setting.rest = 1000
        setting.impatient = 0
        setting.vacancyPatience = 0
        setting.reapings = reapings
        return setting
    }

    /// What a lease rests on: sessions that are idle until they acquire, on members that are cut off; quick messages and short ticks, so
    /// that nothing covers up what is late.
    static func leases(seed: UInt64) -> Setting {
        var setting = Setting()
        setting.excusesStalls = false
        setting.tick = 250
        setting.syncLimit = 20
        setting.contenders = 16
        setting.clients = 8
        setting.length = 16_000
        setting.clientDelay = 1...4
        setting.memberDelay = 1...4
        setting.arrival = 9000
        setting.hold = 1500
        setting.impatient = 0
        setting.unwilling = 0
        setting.partitions = 1500
        setting.partitionLength = 3000
        setting.shortestPartition = setting.syncLimit * setting.tick + 1000
        return setting
    }
}
