import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Turns within a process, on a real server, with other processes in the queue.
@Suite(.weighty, .serialized) struct TurnTests {
    private static func options(_ maxConsecutive: Int, linger: Duration = .zero) -> DistributedLock.Options {
        var options = DistributedLock.Options()
        options.fairness = .perProcess(maxConsecutive: maxConsecutive, linger: linger)
        return options
    }

    /// One turn, as it was written down by whoever had it.
    private struct Turn {
        var process: Int32
        var token: FencingToken
    }

    private static func turns(in file: String) throws -> [Turn] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ")
            try #require(parts.count == 3)
            let turn = try #require(UInt32(parts[2]))
            return Turn(
                process: try #require(Int32(parts[0])),
                token: FencingToken(rawValue: try #require(Int64(parts[1])), turn: turn == 0 ? nil : turn))
        }
    }

    private static func work(
        _ servers: String, _ file: String, tasks: Int, rounds: Int, maxConsecutive: Int, linger: Int = 0
    ) async throws -> TerminationStatus {
        let program = try BuiltProgram("turn-worker")
        return try await Subprocess.run(
            .name("env"),
            arguments: [
                program.path, servers, file, "\(tasks)", "\(rounds)", "\(maxConsecutive)", "\(linger)",
            ],
            input: .none, output: .discarded, error: .currentStandardError
        ).terminationStatus
    }

    /// How often tasks of this process have the lock in a second.
    private static func rate(
        _ client: ZooKeeperClient, _ path: String, _ options: DistributedLock.Options, tasks: Int, for length: Duration
    ) async throws -> Double {
        let lock = try client.lock(path, options: options)
        let turns = Counter()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for _ in 0..<tasks {
                group.addTask {
                    while ContinuousClock.now - start < length {
                        let lease = try await lock.acquire()
                        turns.add()
                        await lease.release()
                    }
                }
            }
            try await group.waitForAll()
        }
        return Double(turns.value) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// How many times as fast as in a debug build is asked for: rates there are those of unoptimized code.
    private static var isRelease: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }

    // MARK: Rates

    @Test func tasksOfOneProcessTakeTurnsManyTimesAsOftenAsStrictly() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let strict = try await Self.rate(client, "/strict", .init(), tasks: 64, for: .seconds(2))
                let turns = try await Self.rate(client, "/turns", Self.options(100), tasks: 64, for: .seconds(2))
                print(
                    "64 tasks: \(Int(strict)) a second strictly, \(Int(turns)) in turns: \(Int(turns / strict)) times")
                if !Sanitizer.isOn { #expect(turns >= strict * (Self.isRelease ? 50 : 5)) }
                try await untilChildren(of: NodePath("/turns"), client, count: 0)
            }
        }
    }

    /// The floor: what a cycle of nothing but the requests takes, create and list, and delete, one after the other.
    @Test func takingAgainWhatLingersCostsNoRoundTrip() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: Self.options(100, linger: .seconds(60)))
                await (try await lock.acquire()).release()
                let parent = try await client.create(NodePath("/floor")).path
                let cycles = 200
                let start = ContinuousClock.now
                for _ in 0..<cycles {
                    async let created = client.create(parent.appending("n-"), mode: .ephemeralSequential)
                    _ = try await client.children(parent)
                    try await client.delete(created.path)
                }
                let floor = (ContinuousClock.now - start) / cycles
                let turns = 20_000
                let again = ContinuousClock.now
                for _ in 0..<turns {
                    let lease = try await lock.acquire()
                    await lease.release()
                }
                let turn = (ContinuousClock.now - again) / turns
                let ratio = Int(floor / turn)
                print("create and list, delete: \(floor); a turn with what lingers: \(turn): \(ratio) times as fast")
                if !Sanitizer.isOn { #expect(ratio >= (Self.isRelease ? 100 : 10)) }
                // However often it was taken, there was one znode.
                let next = try await lock.acquire()
                #expect(next.fencingToken.turn == UInt32(turns + 2))
                await next.release()
            }
        }
    }

    /// A server that does not answer is not asked.
    @Test func turnsDoNotWaitForTheServers() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: Self.options(100, linger: .seconds(60)))
                await (try await lock.acquire()).release()
                _ = try await client.exists(.root)
                try server.pause()
                for _ in 0..<50 { try await lock.withLock(timeout: .seconds(10)) { _ in } }
                try server.resume()
                #expect(try await lock.withLock { $0.fencingToken.turn } == 52)
            }
        }
    }

    // MARK: Others

    @Test(arguments: [(1, 1), (5, 5), (10, 0), (50, 3)])
    func anotherProcessGetsItsTurnWithinTheBound(maxConsecutive: Int, theirs: Int) async throws {
        let file = "/tmp/turns-\(getpid())-\(ThisProcess.bootTime)"
        defer { unlink(file) }
        try await TestServer.with { server in
            let servers = server.connectString
            let rounds = 40
            try await ZooKeeperClient.with(.quiet(servers)) { client in
                let gate = try await client.lock("/lock").acquire()
                async let first = Self.work(
                    servers, file, tasks: 64, rounds: rounds, maxConsecutive: maxConsecutive)
                async let second = Self.work(
                    servers, file, tasks: 64, rounds: rounds, maxConsecutive: theirs)
                // Both are in the queue, strictly with all of their tasks.
                try await untilChildren(of: gate.path, client, count: theirs == 0 ? 66 : 3)
                await gate.release()
                #expect(try await first == .exited(0))
                #expect(try await second == .exited(0))
                try await expectNobodyLeft(at: gate.path, client)
            }
            let turns = try Self.turns(in: file)
            #expect(turns.count == 2 * 64 * rounds)
            #expect(zip(turns, turns.dropFirst()).allSatisfy { $0.token < $1.token })
            // Whose tasks are through leaves the other alone; they are in their last rounds at the same time.
            let processes = Set(turns.map(\.process))
            #expect(processes.count == 2)
            let last =
                processes.compactMap { process in
                    turns.indices.filter { turns[$0].process == process }.dropLast(3 * 64).last
                }.min() ?? 0
            var most: [Int32: Int] = [:]
            let stays = Dictionary(grouping: turns[...last], by: \.token.rawValue).values
            for shared in stays { most[shared[0].process] = max(most[shared[0].process] ?? 0, shared.count) }
            let long = stays.count { $0.count > max(maxConsecutive, theirs) }
            print(
                "turns with one znode, of \(maxConsecutive) and \(theirs) at most: \(most.values.sorted());",
                "\(long) of \(stays.count) longer")
            if theirs > 0 {
                #expect(most.values.sorted() == [theirs, maxConsecutive].sorted())
            } else {
                // Tasks of one session hand over faster than they queue again: all of them may be out of the queue at a time, or their process
                // does not run for a moment, and then there is nobody to make way for.
                #expect(long * 50 <= stays.count && most.values.min() == 1)
            }
            // Both had their turn again and again.
            let changes = zip(turns[...last], turns[...last].dropFirst()).count { $0.process != $1.process }
            #expect(changes >= last / (max(64, maxConsecutive) + max(1, theirs)))
        }
    }

    /// One who comes later is told of: what it waits for is what was done until then, and the bound.
    @Test func whoeverComesLaterWaitsForTheNewsAndTheBound() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: Self.options(20))
                let (turns, isOver) = (Counter(), Counter())
                let tasks = (0..<64).map { _ in
                    Task {
                        while isOver.value == 0 {
                            let lease = try await lock.acquire()
                            turns.add()
                            // About as long as a short piece of work takes.
                            try? await Task.sleep(for: .milliseconds(1))
                            await lease.release()
                        }
                    }
                }
                try await ZooKeeperClient.with(.quiet(server.connectString)) { other in
                    for _ in 0..<5 {
                        while turns.value % 7 != 3 { await Task.yield() }
                        let before = turns.value
                        let lease = try await other.lock("/lock").acquire()
                        let waited = turns.value - before
                        print("a newcomer waited for \(waited) turns of 20 at most")
                        // With those that its entry and the news of it took: a few, and on a busy machine some more.
                        if !Sanitizer.isOn { #expect(waited <= 20 + 100) }
                        await lease.release()
                    }
                }
                isOver.add()
                for task in tasks { try await task.value }
                try await untilChildren(of: lock, count: 0)
            }
        }
    }

    @Test func aNewcomerWaitsForOneEventAndOneDeleteLonger() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                try await ZooKeeperClient.with(.quiet(server.connectString)) { other in
                    let lingering = try client.lock("/lock", options: Self.options(100, linger: .seconds(60)))
                    let strict = try other.lock("/lock")
                    var (free, given): ([Duration], [Duration]) = ([], [])
                    for _ in 0..<50 {
                        let start = ContinuousClock.now
                        let lease = try await strict.acquire()
                        free.append(ContinuousClock.now - start)
                        await lease.release()
                        await (try await lingering.acquire()).release()
                        // The watch is set.
                        _ = try await client.exists(.root)
                        let again = ContinuousClock.now
                        let next = try await strict.acquire(timeout: .seconds(10))
                        given.append(ContinuousClock.now - again)
                        await next.release()
                    }
                    let (median, longer) = (free.sorted()[25], given.sorted()[25])
                    print("a lock that is free: \(median); one that lingers elsewhere: \(longer)")
                    // An event and a delete take no longer than a few round trips.
                    if !Sanitizer.isOn { #expect(longer < median * 10 + .milliseconds(5)) }
                    #expect(given.allSatisfy { $0 < .seconds(5) })
                }
            }
        }
    }

    // MARK: Losses

    @Test func whenTheSessionExpiresTheNextOnesGoOnInTheNext() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock", options: Self.options(1000, linger: .seconds(60)))
                let lease = try await lock.acquire()
                let (tokens, inLine) = (Recorder<FencingToken>(), Counter())
                let tasks = (0..<20).map { _ in
                    Task {
                        let lease = try await lock.acquire(onPosition: { _ in inLine.add() })
                        tokens.append(lease.fencingToken)
                        await lease.release()
                    }
                }
                while inLine.value < 20 { await Task.yield() }
                try await server.expireSession(of: client)
                let lost = await lease.events.first { if case .lost = $0 { true } else { false } }
                #expect(lost == .lost(.sessionExpired))
                for task in tasks { try await task.value }
                #expect(tokens.all.allSatisfy { $0.rawValue > lease.fencingToken.rawValue })
                #expect(zip(tokens.all, tokens.all.dropFirst()).allSatisfy { $0 < $1 })
                #expect(Set(tokens.all.map(\.rawValue)).count == 1)
                // It is over all the same.
                await lease.release()
                #expect(try await client.children(lock.path).count == 1)
            }
        }
    }
}
