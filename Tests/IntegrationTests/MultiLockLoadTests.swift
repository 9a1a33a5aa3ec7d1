import FoundationEssentials
import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Many who take several locks at once, in random orders, under load and in bad times.
///
/// `MULTI_LOCK_PATHS`, `MULTI_LOCK_CLIENTS`, `MULTI_LOCK_ROUNDS` and `MULTI_LOCK_SEED` in the environment choose other numbers.
@Suite(.alone, .serialized) struct MultiLockLoadTests {
    private static func number(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment["MULTI_LOCK_\(name)"].flatMap { Int($0) } ?? usual
    }

    private static func paths(_ count: Int) -> [String] { (0..<count).map { "/multi/\($0)" } }

    /// Who is inside, by path, and the last token of each.
    private final class Ledger: Sendable {
        private struct Entry {
            var inside: Set<NodePath> = []
            var tokens: [NodePath: FencingToken] = [:]
            var groups = 0
            var singles = 0
            var clashes: [String] = []
        }

        private let entry = Locked(Entry())

        func enter(_ paths: [NodePath], _ token: FencingToken) {
            entry.withLock { entry in
                for path in paths {
                    if !entry.inside.insert(path).inserted { entry.clashes.append("two at \(path)") }
                    if let last = entry.tokens[path], last >= token {
                        entry.clashes.append("\(token) after \(last) at \(path)")
                    }
                    entry.tokens[path] = token
                }
                if paths.count > 1 { entry.groups += 1 } else { entry.singles += 1 }
            }
        }

        func leave(_ paths: [NodePath]) { entry.withLock { $0.inside.subtract(paths) } }

        var clashes: [String] { entry.withLock { $0.clashes } }
        var groups: Int { entry.withLock { $0.groups } }
        var singles: Int { entry.withLock { $0.singles } }
    }

    private func expectEmpty(_ paths: [String], _ client: ZooKeeperClient) async throws {
        for path in paths {
            let path = try NodePath(path)
            guard try await client.exists(path) != nil else { continue }
            try await untilChildren(of: path, client, count: 0)
        }
    }

    /// Sixteen clients, eight paths, a thousand rounds: most of all paths in a random order, some of a few; and each client comes for a single
    /// lock now and then. If there were a deadlock, whoever is in it would time out.
    @Test func randomOrdersDoNotLockEachOtherOut() async throws {
        let (count, clients) = (Self.number("PATHS", 8), Self.number("CLIENTS", 16))
        let rounds = Self.number("ROUNDS", 1000)
        let seed = UInt64(Self.number("SEED", 1))
        try await SharedServer.withRoot { configuration in
            let ledger = Ledger()
            let paths = Self.paths(count)
            let start = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                for worker in 0..<clients {
                    group.addTask {
                        var random = SeededGenerator(seed: seed &* 1000 &+ UInt64(worker))
                        try await ZooKeeperClient.with(configuration) { client in
                            for round in 0..<(rounds + clients - 1 - worker) / clients {
                                let isAll = round % 4 != 3
                                let some = paths.shuffled(using: &random).prefix(
                                    isAll ? count : min(count, 2 + Int(random.next() % UInt64(max(1, count - 1)))))
                                let locks = try client.multiLock(Array(some))
                                try await locks.withLocks(timeout: .seconds(300)) { lease in
                                    ledger.enter(locks.paths, lease.fencingToken)
                                    try lease.checkHeld()
                                    await Task.yield()
                                    ledger.leave(locks.paths)
                                }
                                guard random.next() % 2 == 0 else { continue }
                                let single = try client.lock(paths[Int(random.next() % UInt64(count))])
                                try await single.withLock(timeout: .seconds(300)) { lease in
                                    ledger.enter([single.path], lease.fencingToken)
                                    await Task.yield()
                                    ledger.leave([single.path])
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(ledger.clashes == [])
            #expect(ledger.groups == rounds || count == 1)
            let length = ContinuousClock.now - start
            print(
                "\(clients) clients, \(count) paths, seed \(seed): \(ledger.groups) leases of several locks,",
                "\(ledger.singles) of one, in \(length.milliseconds) ms; clashes: \(ledger.clashes.count)")
            try await ZooKeeperClient.with(configuration) { try await expectEmpty(paths, $0) }
        }
    }

    /// All in one run, in turns: whatever else the machine does slows down all three.
    @Test func itCostsLittleMoreThanOneLock() async throws {
        let count = Self.number("PATHS", 8)
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let locks = try client.multiLock(Self.paths(count))
                let single = try client.lock("/single")
                var times: (several: [Duration], one: [Duration], trip: [Duration]) = ([], [], [])
                func time(_ body: () async throws -> Void) async rethrows -> Duration {
                    let start = ContinuousClock.now
                    try await body()
                    return ContinuousClock.now - start
                }
                for round in 0..<220 {
                    let several = try await time { try await locks.withLocks { _ in } }
                    let one = try await time { try await single.withLock { _ in } }
                    let trip = try await time { _ = try await client.exists(single.path) }
                    // The first ones warm up.
                    guard round >= 20 else { continue }
                    times.several.append(several)
                    times.one.append(one)
                    times.trip.append(trip)
                }
                func median(_ times: [Duration]) -> Duration { times.sorted()[times.count / 2] }
                let (several, one, trip) = (median(times.several), median(times.one), median(times.trip))
                let bound = one * 1.5 + trip
                print(
                    "p50 of acquire and release: \(count) locks at once \(several), one lock \(one); one round trip \(trip);",
                    "\(count) locks / (1.5 × one lock + one round trip) = \(several / bound)")
                // The goal is 1, and 0.8 is what a quiet machine has; but this one may do other things meanwhile.
                if count <= 8, !Sanitizer.isOn { #expect(several < bound * 1.5) }
            }
        }
    }

    @Test func theNextOneGetsAllWhenTheHoldersSessionEnds() async throws {
        try await SharedServer.withRoot { configuration in
            let server = try await SharedServer.server.value
            let holder = try await ZooKeeperClient.connect(configuration)
            let waiter = try await ZooKeeperClient.connect(configuration)
            let paths = Self.paths(5)
            let first = try await holder.multiLock(paths).acquire()
            let next = Task { try await waiter.multiLock(paths.reversed()).acquire() }
            for path in paths { try await untilChildren(of: NodePath(path), waiter, count: 2) }
            try await server.expireSession(of: holder)
            let second = try await next.value
            #expect(second.fencingToken > first.fencingToken)
            await #expect(throws: LockError.self) { try await first.proveHeld() }
            for path in paths {
                #expect(try await waiter.queue(of: NodePath(path)).entries.map(\.fencingToken) == [second.fencingToken])
            }
            await second.release()
            await first.release()
            try await expectEmpty(paths, waiter)
            await holder.close()
            await waiter.close()
        }
    }

    /// All places are gone with the session, and are taken again together.
    @Test func aWaitLivesThroughTheEndOfItsSession() async throws {
        try await SharedServer.withRoot { configuration in
            let server = try await SharedServer.server.value
            let holder = try await ZooKeeperClient.connect(configuration)
            let waiter = try await ZooKeeperClient.connect(configuration)
            let paths = Self.paths(4)
            let single = try await holder.lock(paths[2]).acquire()
            let next = Task { try await waiter.multiLock(paths).acquire() }
            for path in paths { try await untilChildren(of: NodePath(path), holder, count: path == paths[2] ? 2 : 1) }
            let before = try #require(try await holder.queue(of: NodePath(paths[0])).entries.first)
            try await server.expireSession(of: waiter)
            while true {
                let entries = try await holder.queue(of: NodePath(paths[0])).entries
                if let entry = entries.last, entry.fencingToken > before.fencingToken { break }
                await Task.yield()
            }
            await single.release()
            let lease = try await next.value
            for path in paths {
                #expect(try await holder.queue(of: NodePath(path)).entries.map(\.fencingToken) == [lease.fencingToken])
            }
            await lease.release()
            try await expectEmpty(paths, holder)
            await holder.close()
            await waiter.close()
        }
    }

    @Test func randomCancellationsAndTimeoutsLeaveNothing() async throws {
        try await SharedServer.withRoot { configuration in
            let ledger = Ledger()
            let paths = Self.paths(4)
            let outcomes = Recorder<String>()
            try await withThrowingTaskGroup { group in
                for worker in 0..<6 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(worker) + 100)
                        let client = try await ZooKeeperClient.connect(configuration)
                        for round in 0..<40 {
                            let some = paths.shuffled(using: &random).prefix(2 + Int(random.next() % 3))
                            let locks = try client.multiLock(Array(some))
                            let patience = Duration.microseconds(Int64(random.next() % 12_000))
                            let attempt = Task { () async throws(LockError) -> Lease in
                                try await locks.acquire(timeout: round.isMultiple(of: 2) ? patience : nil)
                            }
                            if !round.isMultiple(of: 2) {
                                try await Task.sleep(for: patience)
                                attempt.cancel()
                            }
                            switch await attempt.result {
                            case .success(let lease):
                                ledger.enter(locks.paths, lease.fencingToken)
                                await Task.yield()
                                ledger.leave(locks.paths)
                                await lease.release()
                                outcomes.append("granted")
                            case .failure(LockError.timedOut): outcomes.append("timed out")
                            case .failure(LockError.cancelled): outcomes.append("cancelled")
                            case .failure(let error): outcomes.append("\(error)")
                            }
                        }
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
            let counts = Dictionary(grouping: outcomes.all) { $0 }.mapValues(\.count)
            print("random cancellations of several locks: \(counts)")
            #expect(Set(counts.keys).isSubset(of: ["granted", "timed out", "cancelled"]), "\(counts)")
            #expect(ledger.clashes == [])
            try await ZooKeeperClient.with(configuration) { try await expectEmpty(paths, $0) }
        }
    }

    @Test func aServerThatRestartsInTheMiddleLeavesNothing() async throws {
        try await TestServer.with { server in
            let ledger = Ledger()
            let paths = Self.paths(4)
            let rounds = Counter()
            try await withThrowingTaskGroup { group in
                for worker in 0..<5 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(worker) + 7)
                        try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                            while rounds.value < 400 {
                                let locks = try client.multiLock(
                                    Array(paths.shuffled(using: &random).prefix(2 + worker % 3)))
                                let lease = try await locks.acquire(timeout: .seconds(120))
                                if lease.isHeld {
                                    ledger.enter(locks.paths, lease.fencingToken)
                                    rounds.add()
                                    await Task.yield()
                                    ledger.leave(locks.paths)
                                }
                                await lease.release()
                            }
                        }
                    }
                }
                for restart in 1...2 {
                    while rounds.value < restart * 130 { try await Task.sleep(for: .milliseconds(5)) }
                    try await server.restart()
                }
                try await group.waitForAll()
            }
            #expect(ledger.clashes == [])
            try await ZooKeeperClient.with(.brief(server.connectString)) { try await expectEmpty(paths, $0) }
        }
    }

    /// Those of one session hand over without waiting for the servers; none is overtaken, and none forgotten.
    @Test func turnsWithinOneSession() async throws {
        try await SharedServer.withClient { client in
            let ledger = Ledger()
            let paths = Self.paths(3)
            try await withThrowingTaskGroup { group in
                for worker in 0..<12 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(worker) + 50)
                        for _ in 0..<10 {
                            let count = 1 + Int(random.next() % 3)
                            let locks = try client.multiLock(Array(paths.shuffled(using: &random).prefix(count)))
                            try await locks.withLocks(timeout: .seconds(60)) { lease in
                                ledger.enter(locks.paths, lease.fencingToken)
                                await Task.yield()
                                ledger.leave(locks.paths)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(ledger.clashes == [] && ledger.groups + ledger.singles == 120)
            try await expectEmpty(paths, client)
        }
    }
}
