import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// Batches of claims, and results that are computed once, over connections that lose answers or are slow.
    @Suite struct Claims {
        /// One cycle for each k, until a cycle has fewer replies than that. Of two items one was left by somebody.
        @Test func `No reply of a claim's cycle is one whose loss leaves anything or loses count`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                            let (jobs, others) = (try client.batchClaim("/jobs"), try direct.batchClaim("/jobs"))
                            // Of each kind by itself: in which order they come depends on who is quicker.
                            for opcode in [Opcode.multi, .getData] {
                                var lost = 0
                                while true {
                                    let left = try await others.claim(["a"], upTo: 1)
                                    await left.release(cleanly: false)
                                    let drop = await proxy.dropReply(lost + 1, to: opcode)
                                    let batch = try await jobs.claim(["a", "b", "c"], upTo: 2)
                                    #expect(batch.items.map(\.id) == ["a", "b"])
                                    #expect(batch.items.map(\.attempt) == [2, 1])
                                    #expect(batch.items[0].fencingToken > left.items[0].fencingToken)
                                    await batch.release()
                                    try await untilNothingIsLeft(direct)
                                    guard drop.current != nil else { break }
                                    lost += 1
                                    try #require(lost < 50)
                                }
                                print("\(lost) replies to \(opcode) lost, one in each cycle")
                                #expect(lost > 0)
                            }
                        }
                    }
                }
            }
        }

        private func untilNothingIsLeft(_ client: ZooKeeperClient) async throws {
            for parent in ["claims", "attempts"] {
                try await untilChildren(of: NodePath("/jobs/\(parent)"), client, count: 0)
            }
        }

        /// After a long silence the session lives, but its lease is nearly over, and what extends it takes a third of the timeout. Found as a
        /// batch that was lost when it was returned: the lease had ended while it was being confirmed.
        @Test func `Whoever waits for its lease holds when it is granted`() async throws {
            let timeout = Duration.seconds(6)
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    let configuration = ZooKeeperClient.Configuration.quiet(
                        proxy.connectString, sessionTimeout: timeout)
                    try await ZooKeeperClient.with(configuration) { client in
                        let jobs = try client.batchClaim("/jobs")
                        await (try await jobs.claim(["a"], upTo: 1)).release()
                        let states = client.states
                        let silent = ContinuousClock.now
                        await proxy.freeze()
                        _ = await first(of: states) { $0 == .suspended }
                        await proxy.pass()
                        _ = await first(of: states) { $0 == .connected }
                        try await Task.sleep(until: silent + timeout * 0.85)
                        let start = ContinuousClock.now
                        async let lease = client.lock("/lock").acquire()
                        async let both = client.multiLock(["/one", "/other"]).acquire()
                        let batch = try await jobs.claim(["a", "b"], upTo: 2)
                        print("a claim waited \(ContinuousClock.now - start) for its lease")
                        #expect(batch.isHeld)
                        #expect(batch.remaining.count == 2)
                        await batch.release()
                        for lease in [try await lease, try await both] {
                            try lease.checkHeld()
                            await lease.release()
                        }
                        #expect(try await jobs.entries().isEmpty)
                    }
                }
            }
        }

        @Test func `No reply of a computation is one whose loss computes twice`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                            var lost: [Opcode] = []
                            while true {
                                let once = try client.runOnce("/cache")
                                let runs = Counter()
                                // The publication's first of all; what else is asked, and in which order, depends on who is quicker.
                                let drop =
                                    await lost.isEmpty
                                    ? proxy.dropReply(1, to: .multi) : proxy.dropReply(lost.count)
                                let number = UInt8(lost.count)
                                let result = try await once.value { _ in
                                    runs.add()
                                    return [number]
                                }
                                #expect(result == [number])
                                #expect(runs.value == 1)
                                #expect(try await direct.runOnce("/cache").current() == [number])
                                try await direct.runOnce("/cache").invalidate()
                                try await untilChildren(of: NodePath("/cache/lock"), direct, count: 0)
                                guard let dropped = drop.current else { break }
                                lost.append(dropped.opcode)
                                try #require(lost.count < 50)
                            }
                            print("Lost, one in each cycle: \(lost.map(\.description).joined(separator: ", "))")
                            #expect(lost.first == .multi)
                        }
                    }
                }
            }
        }

        /// A result with a time to live is judged by the servers' clock, which is read with a write.
        @Test func `A lost answer to the reading of the servers' clock is as good as any`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        var options = RunOnce.Options()
                        options.timeToLive = .seconds(3600)
                        #expect(try await client.runOnce("/cache", options: options).value { _ in [1] } == [1])
                        // Each value asks for the time by itself, once a minute.
                        let first = await proxy.dropReply(1, to: .setData)
                        let stored = try await client.runOnce("/cache", options: options).value { _ in [2] }
                        #expect(stored == [1])
                        #expect(first.current != nil)
                        let second = await proxy.dropReply(1, to: .setData)
                        let current = try await client.runOnce("/cache", options: options).current()
                        #expect(current == [1])
                        #expect(second.current != nil)
                    }
                }
            }
        }

        @Test func `Whoever waits for a result over a silent connection waits no longer than it said`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    // Nobody hangs up meanwhile.
                    let configuration = ZooKeeperClient.Configuration.quiet(
                        proxy.connectString, sessionTimeout: .seconds(30))
                    try await ZooKeeperClient.with(configuration) { client in
                        var options = RunOnce.Options()
                        options.timeToLive = .seconds(3600)
                        let once = try client.runOnce("/cache", options: options)
                        #expect(try await once.value { _ in [1] } == [1])
                        await proxy.freeze()
                        let start = ContinuousClock.now
                        let error = await #expect(throws: LockError.self) {
                            try await once.value(timeout: .seconds(1)) { _ in [2] }
                        }
                        let waited = ContinuousClock.now - start
                        print("a wait of a second on a silent connection took \(waited)")
                        let path = try once.path.appending("lock")
                        #expect(error == .timedOut(path, ahead: nil, holder: nil))
                        #expect(waited >= .seconds(1))
                        // A request takes ten.
                        #expect(waited < .seconds(5))
                        await proxy.pass()
                        #expect(try await client.runOnce("/cache", options: options).current() == [1])
                    }
                }
            }
        }

        /// Over a connection whose round trip takes a tenth of a second, fifty items one after the other would take five.
        @Test func `Fifty items take about one round trip`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        let jobs = try client.batchClaim("/jobs")
                        let items = (0..<400).map { "row-\($0)" }
                        await (try await jobs.claim(items, upTo: 1)).release()
                        await proxy.delay(.milliseconds(50))
                        var (writes, claims, others): ([Duration], [Duration], [Duration]) = ([], [], [])
                        for _ in 0..<5 {
                            writes.append(try await time { try await client.set(NodePath("/jobs"), data: []) })
                            let start = ContinuousClock.now
                            let batch = try await jobs.claim(items, upTo: 50)
                            claims.append(ContinuousClock.now - start)
                            #expect(batch.count == 50)
                            // With fifty in front that somebody has.
                            let next = ContinuousClock.now
                            let second = try await jobs.claim(items, upTo: 50)
                            others.append(ContinuousClock.now - next)
                            #expect(second.count == 50)
                            await batch.release()
                            await second.release()
                        }
                        // The shortest: whatever else the machine does makes it longer.
                        let (write, claim, other) = (writes.sorted()[0], claims.sorted()[0], others.sorted()[0])
                        print(
                            "one write: \(write); a claim of 50 items: \(claim), \(claim / write) times as long;",
                            "behind 50 that are taken: \(other), \(other / write) times")
                        if !Sanitizer.isOn {
                            #expect(claim < write * 1.9)
                            #expect(other < write * 5)
                        }
                    }
                }
            }
        }

        private func time(_ body: () async throws -> Stat) async throws -> Duration {
            let start = ContinuousClock.now
            _ = try await body()
            return ContinuousClock.now - start
        }
    }
}
