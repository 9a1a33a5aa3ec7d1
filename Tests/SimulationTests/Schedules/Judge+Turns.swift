import ZooKeeper

@testable import ZooKeeperLocks

extension QueueMachine {
    /// What whoever holds goes by: one that has asked to become a reader writes no more, whether or not it has its answer.
    var promise: Claim { replacement == nil ? policy.claim : .read }
}

/// Who may hold together with whom, as the recipes promise it: said here once more, apart from the production code.
extension World {
    func mayHoldTogether(_ numbers: [Int]) -> Bool {
        guard numbers.count > 1 else { return true }
        let claims = numbers.map { contenders[$0].machine.promise }
        switch setting.recipe {
        case .mutex: return false
        case .readWrite: return claims.allSatisfy { $0 == .read }
        case .semaphore(let permits, _): return claims.reduce(0) { $0 + count($1) } <= permits
        }
    }

    private func count(_ claim: Claim) -> Int {
        if case .permits(let count) = claim { count } else { 0 }
    }

    func precedes(_ one: String, _ other: String) -> Bool {
        guard let one = ContenderName(one), let other = ContenderName(other) else { return false }
        return one.precedes(other)
    }

    /// One of those ahead that a contender of that policy must not hold beside; `nil`: there is none.
    func inTheWay(of policy: QueuePolicy, _ ahead: [String]) -> String? {
        let claims = ahead.map { ($0, ContenderName($0)?.claim) }
        switch policy.claim {
        case .exclusive, .write: return claims.first?.0
        case .read: return claims.first { $0.1 != .read }?.0
        case .permits(let own):
            let taken = claims.reduce(0) { $0 + ($1.1.map(count) ?? 0) }
            return taken + own <= policy.permits ?? 0 ? nil : claims.first?.0
        }
    }

    /// What is free is given to whoever is first in line for it, soon.
    mutating func judgeTurns() {
        guard let latest = setting.latestGrant else { return }
        let names = judge.contenderNames.keys.sorted { precedes($0, $1) }
        var current: [String: Int64] = [:]
        for (index, name) in names.enumerated() {
            guard
                let contender = contenders.first(where: { contender in
                    !contender.isOver && contender.departure == nil && contender.machine.departure == nil
                        && !contender.isInBody && !contender.hasEndedBody
                        && contender.uuids.last.map { ContenderName(name)?.belongs(to: $0) == true } ?? false
                }), inTheWay(of: contender.machine.policy, Array(names[..<index])) == nil
            else { continue }
            let since = judge.turnSince[name] ?? now
            current[name] = since
            if now - since > latest {
                judge.find("it is the turn of c\(contender.number) since \(since) ms, and at \(now) ms it still waits")
            }
        }
        judge.turnSince = current
    }
}
