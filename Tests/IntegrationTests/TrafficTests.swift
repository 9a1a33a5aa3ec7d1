import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// What locks cost the servers, by the servers' own counters: the same on a quick machine and on a busy one, as times are not.
@Suite(
    .weighty, .enabled(if: !Sanitizer.isOn, "a sanitizer makes a run so long that upkeep is most of its traffic"))
struct TrafficTests {
    /// What a server has counted since it started.
    private struct Counters {
        var requests = 0
        /// Events that were due to a deletion: one for each session that watched the node.
        var deletions = 0
        var otherEvents = 0
        var bytesReceived = 0

        init(_ server: TestServer) async throws {
            for line in try await server.fourLetterWord("mntr").split(separator: "\n") {
                let fields = line.split(separator: "\t")
                guard fields.count == 2, let value = Double(fields[1]).map(Int.init) else { continue }
                switch fields[0] {
                case "zk_packets_received": requests = value
                case "zk_bytes_received_count": bytesReceived = value
                case "zk_sum_node_deleted_watch_count": deletions = value
                case "zk_sum_node_changed_watch_count", "zk_sum_node_children_watch_count",
                    "zk_sum_node_created_watch_count":
                    otherEvents += value
                default: break
                }
            }
        }
    }

    private struct Traffic {
        var grants: Int
        var requests: Int
        var deletions: Int
        var otherEvents: Int
        var bytesReceived: Int
    }

    private static let sessions = 8
    private static let timeout = Duration.seconds(40)

    /// What `body` makes of traffic, without what upkeep may have made meanwhile.
    private func measure(_ body: ([ZooKeeperClient]) async throws -> Int) async throws -> Traffic {
        var settings = TestServer.Configuration()
        // For sessions so long that their upkeep is next to nothing.
        settings.tickTime = .seconds(2)
        return try await TestServer.with(settings) { server in
            let configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
                .with(sessionTimeout: Self.timeout)
            var clients: [ZooKeeperClient] = []
            for _ in 0..<Self.sessions { clients.append(try await ZooKeeperClient.connect(configuration)) }
            // The path is made by the first.
            await (try clients[0].lock("/lock").acquire()).release()
            let (before, start) = (try await Counters(server), ContinuousClock.now)
            let grants = try await body(clients)
            let (after, elapsed) = (try await Counters(server), ContinuousClock.now - start)
            for client in clients { await client.close() }
            // Two proofs when a session begins to hold or to be next, then one for each sixth of a session timeout.
            let upkeep = Self.sessions * (3 + Int(elapsed / (Self.timeout / 6)))
            return Traffic(
                grants: grants, requests: after.requests - before.requests - upkeep,
                deletions: after.deletions - before.deletions, otherEvents: after.otherEvents - before.otherEvents,
                bytesReceived: after.bytesReceived - before.bytesReceived)
        }
    }

    /// All enter before the first releases.
    private func chain(_ depth: Int, _ clients: [ZooKeeperClient]) async throws -> Int {
        let head = try await clients[0].lock("/lock").acquire()
        try await withThrowingTaskGroup { group in
            for number in 1...depth {
                let lock = try clients[number % clients.count].lock("/lock")
                group.addTask { await (try lock.acquire()).release() }
            }
            try await untilChildren(of: try clients[0].lock("/lock"), count: depth + 1)
            await head.release()
            try await group.waitForAll()
        }
        return depth + 1
    }

    /// The number of requests does not depend on the length of the queue, and neither does that of the sessions that are woken.
    @Test(arguments: [10, 100, 400]) func ofAQueue(depth: Int) async throws {
        let traffic = try await measure { try await chain(depth, $0) }
        // Whoever looks on here lists the queue whenever it has changed since the last list, and once more.
        let watching = traffic.otherEvents + 1
        let requests = Double(traffic.requests - watching) / Double(traffic.grants)
        print("a queue of \(depth): \(requests) requests for each acquire and release, \(traffic)")
        #expect(requests <= 7)
        // The next one, and the one behind that, who learns that the next one is the head. The third is the echo to whoever releases: its
        // own watch on its own node.
        #expect(traffic.deletions <= 3 * traffic.grants)
    }

    @Test func ofContention() async throws {
        let traffic = try await measure { clients in
            try await withThrowingTaskGroup { group in
                for client in clients {
                    let lock = try client.lock("/lock")
                    group.addTask {
                        for _ in 0..<50 { await (try lock.acquire()).release() }
                    }
                }
                try await group.waitForAll()
            }
            return 50 * clients.count
        }
        print("eight sessions on one lock: \(traffic)")
        #expect(traffic.requests <= 7 * traffic.grants)
        #expect(traffic.deletions <= 3 * traffic.grants)
        #expect(traffic.otherEvents == 0)
    }

    /// A create and a delete. The first few times the queue is listed as well, and the own node is looked after where it is held for longer.
    @Test(
        arguments: [DistributedLock.Release.awaited, .background],
        [DistributedLock.Fairness.strict, .perProcess(maxConsecutive: 4)])
    func ofAFreeLock(release: DistributedLock.Release, fairness: DistributedLock.Fairness) async throws {
        var options = DistributedLock.Options()
        options.release = release
        options.fairness = fairness
        let traffic = try await measure { clients in
            let lock = try clients[0].lock("/lock", options: options)
            for _ in 0..<200 { await (try lock.acquire()).release() }
            return 200
        }
        print("a free lock, \(release), \(fairness): \(traffic)")
        #expect(Double(traffic.requests) <= 2.5 * Double(traffic.grants))
        #expect(traffic.bytesReceived <= 300 * traffic.grants)
        // A release is on its way ahead of the next entry, which has nobody in front to wait for. On a machine so slow that a cycle takes the time
        // for which an empty queue is counted on, some look after their own node: but not each.
        #expect(traffic.deletions <= traffic.grants / 4)
        #expect(traffic.otherEvents == 0)
    }

    /// They look at nodes that their own session watches already: each asks for its own only.
    @Test func ofTasksOfOneSession() async throws {
        let traffic = try await measure { clients in
            let lock = try clients[0].lock("/lock")
            try await withThrowingTaskGroup { group in
                for _ in 0..<16 {
                    group.addTask {
                        for _ in 0..<50 { await (try lock.acquire()).release() }
                    }
                }
                try await group.waitForAll()
            }
            return 16 * 50
        }
        print("sixteen tasks of one session on one lock: \(traffic)")
        // To create, to watch the own node, to delete; now and then to list.
        #expect(Double(traffic.requests) <= 4 * Double(traffic.grants))
    }

    @Test func ofSeveralFreeLocks() async throws {
        let count = 8
        let traffic = try await measure { clients in
            let locks = try clients[0].multiLock((0..<count).map { "/several/\($0)" })
            for _ in 0..<200 { await (try locks.acquire()).release() }
            return 200
        }
        print("\(count) free locks at once: \(traffic)")
        // A transaction to take them, one to release them.
        #expect(Double(traffic.requests) <= 3.5 * Double(traffic.grants))
    }
}
