import Locking
import ZooKeeper

/// Who shares a contender: all locks of one client with the same path that would make the same znode and keep it in the same way.
extension ProcessTurns {
    private struct Key: Hashable, Sendable {
        var client: ObjectIdentifier
        var path: NodePath
        var fairness: DistributedLock.Fairness
        var label: String?
        var payload: [UInt8]?
        var acl: [ACL]
        var waitsForConfirmedLease: Bool
        var naming: ContenderNaming
        var release: DistributedLock.Release

        init(_ entrance: QueueEntrance) {
            let options = entrance.options
            client = ObjectIdentifier(entrance.client)
            path = entrance.path
            fairness = options.fairness
            label = options.label
            payload = options.payload
            acl = options.acl
            waitsForConfirmedLease = options.waitsForConfirmedLease
            naming = options.naming
            release = options.release
        }
    }

    private struct Reference: Sendable {
        weak var share: Share?
    }

    /// What each lock that takes part keeps. Apart from the turns themselves: counting references is slower for what is referred to weakly.
    final class Share: Sendable {
        let turns: ProcessTurns

        fileprivate init(_ turns: ProcessTurns) { self.turns = turns }
    }

    /// Whoever is in here keeps its client: so no other client is taken for it.
    private static let all = Locked<(references: [Key: Reference], limit: Int)>(([:], 16))

    /// Those that a lock with this entrance takes part in; `nil` where it is strictly fair.
    static func shared(_ entrance: QueueEntrance) -> Share? {
        guard case .perProcess(let maxConsecutive, let linger) = entrance.options.fairness else { return nil }
        let key = Key(entrance)
        return all.withLock { all in
            if let share = all.references[key]?.share { return share }
            let share = Share(ProcessTurns(entrance, maxConsecutive: maxConsecutive, linger: linger))
            all.references[key] = Reference(share: share)
            // Those that nobody uses any more are cleared away now and then.
            if all.references.count > all.limit {
                all.references = all.references.filter { $0.value.share != nil }
                all.limit = max(16, all.references.count * 2)
            }
            return share
        }
    }
}
