@testable import ZooKeeperLocks

/// Visits every state that a small world can come to, breadth first, so that what it finds wrong it finds by a shortest way.
struct Explorer {
    struct Outcome: Sendable {
        var states = 0
        var transitions = 0
        /// Steps by which somebody is granted who has not asked who else is there.
        var grantsWithoutList = 0
        /// Steps by which somebody shares another's watch.
        var watchesJoined = 0
        var depth = 0
        /// Nothing is left to visit. False: `limit` was reached.
        var isComplete = false
        /// What is wrong, and the way to it.
        var violation: (verdict: String, steps: [SmallWorld.Step])?
    }

    private struct Found: Sendable {
        var fingerprint: UInt64
        var parent: UInt32
        var step: SmallWorld.Step
        var world: SmallWorld
    }

    private struct Batch: Sendable {
        var found: [Found] = []
        var transitions = 0
        var grantsWithoutList = 0
        var watchesJoined = 0
        var violation: (verdict: String, parent: UInt32, step: SmallWorld.Step?)?
    }

    /// What was visited, by fingerprint; `parents` and `steps` are the way to each.
    private var visited = FingerprintSet()
    private var parents: [UInt32] = []
    private var steps: [SmallWorld.Step] = []

    static func explore(
        _ bounds: SmallWorld.Bounds, rules: QueueRules = .sound, limit: Int = .max
    ) async -> Outcome {
        await Background.run {
            var explorer = Explorer()
            return explorer.run(SmallWorld(bounds, rules: rules), limit)
        }
    }

    private mutating func run(_ first: SmallWorld, _ limit: Int) -> Outcome {
        var outcome = Outcome()
        _ = visited.insert(first.fingerprint)
        parents.append(0)
        steps.append(.reap)
        var frontier: [(index: UInt32, world: SmallWorld)] = [(0, first)]
        while !frontier.isEmpty {
            outcome.states = parents.count
            guard parents.count < limit else { return outcome }
            var next: [(index: UInt32, world: SmallWorld)] = []
            // In slices, so that what is found is not kept twice for a whole level.
            var start = 0
            while start < frontier.count {
                let end = min(start + 20_000, frontier.count)
                let batches = expand(frontier[start..<end])
                start = end
                for batch in batches {
                    outcome.transitions += batch.transitions
                    outcome.grantsWithoutList += batch.grantsWithoutList
                    outcome.watchesJoined += batch.watchesJoined
                    if let violation = batch.violation {
                        var way = way(to: violation.parent)
                        if let step = violation.step { way.append(step) }
                        outcome.violation = (violation.verdict, way)
                        return outcome
                    }
                    for found in batch.found where visited.insert(found.fingerprint) {
                        next.append((UInt32(parents.count), found.world))
                        parents.append(found.parent)
                        steps.append(found.step)
                    }
                }
            }
            frontier = next
            outcome.depth += 1
        }
        outcome.states = parents.count
        outcome.isComplete = true
        return outcome
    }

    private func expand(_ slice: ArraySlice<(index: UInt32, world: SmallWorld)>) -> [Batch] {
        let size = max(1, (slice.count + Background.threads - 1) / Background.threads)
        let parts = stride(from: slice.startIndex, to: slice.endIndex, by: size).map { start in
            (Array(slice[start..<min(start + size, slice.endIndex)]), visited)
        }
        return Background.map(parts) { Self.expand($0, $1) }
    }

    private static func expand(_ part: [(index: UInt32, world: SmallWorld)], _ known: FingerprintSet) -> Batch {
        var batch = Batch()
        for (index, world) in part {
            let steps = world.steps
            if let verdict = steps.isEmpty ? world.verdictAtRest : world.verdictInPeace(steps) {
                batch.violation = (verdict, index, nil)
                return batch
            }
            for step in steps + world.faults {
                var next = world
                next.take(step)
                batch.transitions += 1
                batch.grantsWithoutList += next.grantsWithoutList - world.grantsWithoutList
                batch.watchesJoined += next.watchesJoined - world.watchesJoined
                if let verdict = next.verdict {
                    batch.violation = (verdict, index, step)
                    return batch
                }
                let fingerprint = next.fingerprint
                guard !known.contains(fingerprint) else { continue }
                batch.found.append(Found(fingerprint: fingerprint, parent: index, step: step, world: next))
            }
        }
        return batch
    }

    private func way(to index: UInt32) -> [SmallWorld.Step] {
        var way: [SmallWorld.Step] = []
        var index = Int(index)
        while index > 0 {
            way.append(steps[index])
            index = Int(parents[index])
        }
        return way.reversed()
    }

    /// Tells what happens along a way.
    static func story(_ bounds: SmallWorld.Bounds, _ rules: QueueRules, _ way: [SmallWorld.Step]) -> String {
        var world = SmallWorld(bounds, rules: rules)
        world.story = []
        for step in way { world.take(step) }
        return (world.story ?? []).joined(separator: "\n")
    }
}

/// A set of fingerprints, as small and as fast as can be: open addressing, linear probing.
struct FingerprintSet: Sendable {
    private var slots: [UInt64] = Array(repeating: 0, count: 1 << 16)
    private(set) var count = 0

    func contains(_ fingerprint: UInt64) -> Bool {
        let wanted = max(fingerprint, 1)
        let mask = UInt64(slots.count - 1)
        var index = wanted & mask
        while true {
            let slot = slots[Int(index)]
            if slot == wanted { return true }
            if slot == 0 { return false }
            index = (index + 1) & mask
        }
    }

    /// Says whether it is new.
    mutating func insert(_ fingerprint: UInt64) -> Bool {
        if count * 2 > slots.count { grow() }
        let wanted = max(fingerprint, 1)
        let mask = UInt64(slots.count - 1)
        var index = wanted & mask
        while true {
            let slot = slots[Int(index)]
            if slot == wanted { return false }
            if slot == 0 {
                slots[Int(index)] = wanted
                count += 1
                return true
            }
            index = (index + 1) & mask
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: old.count * 4)
        count = 0
        for slot in old where slot != 0 { _ = insert(slot) }
    }
}
