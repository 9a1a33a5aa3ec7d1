import Glibc
import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Many contenders at once. `CROWD_SECONDS` makes them go on for longer than the few seconds of an ordinary run.
@Suite(.weighty, .serialized) struct CrowdTests {
    private static func seconds(_ usual: Int) -> Int {
        getenv("CROWD_SECONDS").flatMap { Int(String(cString: $0)) } ?? usual
    }

    // MARK: Readers and writers

    private final class Room: Sendable {
        struct State {
            var readers = 0
            var writers = 0
            var most = 0
            var clashes = 0
            var reads = 0
            var waits: [Duration] = []
        }

        private let state = Locked(State())

        func withLock<R>(_ body: (inout State) -> R) -> R { state.withLock { body(&$0) } }
    }

    @Test func fiftyReadersAndFiveWriters() async throws {
        try await TestServer.with { server in
            let configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
            let room = Room()
            let end = ContinuousClock.now + .seconds(Self.seconds(6))
            try await withThrowingTaskGroup { group in
                for session in 0..<15 {
                    group.addTask {
                        try await ZooKeeperClient.with(configuration) { client in
                            let lock = try client.readWriteLock("/rw")
                            try await withThrowingTaskGroup { group in
                                // Five sessions with a writer each, ten with five readers.
                                for _ in 0..<(session < 5 ? 1 : 5) {
                                    group.addTask {
                                        while ContinuousClock.now < end {
                                            try await session < 5 ? Self.write(lock, room) : Self.read(lock, room)
                                        }
                                    }
                                }
                                try await group.waitForAll()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let result = room.withLock { $0 }
            let waits = result.waits.sorted()
            let longest = try #require(waits.last)
            print(
                "50 readers, 5 writers: \(result.reads) reads, at most \(result.most) at a time, \(waits.count) writes,",
                "\(result.clashes) clashes; a writer waited \(waits[waits.count / 2]) in the middle, \(longest) at most"
            )
            #expect(result.clashes == 0)
            #expect(result.most > 1)
            // At most everybody else is ahead, and what they do takes milliseconds.
            #expect(longest < .seconds(10))
            #expect(waits.count >= 5)
        }
    }

    private static func read(_ lock: DistributedReadWriteLock, _ room: Room) async throws {
        try await lock.readLock.withLock { _ in
            room.withLock { room in
                room.readers += 1
                room.reads += 1
                room.most = max(room.most, room.readers)
                if room.writers > 0 { room.clashes += 1 }
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...10)))
            room.withLock { $0.readers -= 1 }
        }
    }

    private static func write(_ lock: DistributedReadWriteLock, _ room: Room) async throws {
        let start = ContinuousClock.now
        try await lock.writeLock.withLock { lease in
            let waited = ContinuousClock.now - start
            room.withLock { room in
                room.waits.append(waited)
                room.writers += 1
                if room.writers > 1 || room.readers > 0 { room.clashes += 1 }
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...5)))
            room.withLock { $0.writers -= 1 }
            guard Bool.random() else { return }
            try await lease.downgrade()
            room.withLock { room in
                room.readers += 1
                if room.writers > 0 { room.clashes += 1 }
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...5)))
            room.withLock { $0.readers -= 1 }
        }
    }

    // MARK: Wake-ups

    /// What the server has told watchers so far.
    private static func notifications(_ server: TestServer) async throws -> Notifications {
        let counters = try await server.fourLetterWord("mntr").split(separator: "\n").reduce(into: [String: Int]()) {
            let parts = $1.split(separator: "\t")
            if parts.count == 2 { $0[String(parts[0])] = Double(parts[1]).map { Int($0) } }
        }
        func counter(_ kind: String) throws -> Int {
            try #require(counters["zk_sum_node_\(kind)_watch_count"], "the server does not count these")
        }
        return try Notifications(
            deleted: counter("deleted"), changed: counter("changed"), children: counter("children"))
    }

    private struct Notifications: Equatable {
        var deleted: Int
        var changed: Int
        var children: Int
    }

    enum Kind: String, CaseIterable, Sendable {
        case mutex, semaphore
    }

    @Test(.enabled(if: !Sanitizer.isOn, "a sanitizer makes a thousand lists take minutes"), arguments: Kind.allCases)
    func wakeUpsAtAThousandWaiters(kind: Kind) async throws {
        let (count, sessions, holders) = (1000, 20, 7)
        try await TestServer.with { server in
            var configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
            // A thousand lists of up to a thousand names take a debug build a while.
            configuration.requestTimeout = .seconds(60)
            var clients: [ZooKeeperClient] = []
            for _ in 0..<sessions { clients.append(try await ZooKeeperClient.connect(configuration)) }
            let watcher = clients[0]
            let path = try NodePath("/crowd")
            @Sendable func acquire(_ client: ZooKeeperClient) async throws -> Lease {
                switch kind {
                case .mutex: try await client.lock("/crowd").acquire()
                case .semaphore: try await client.semaphore("/crowd", permits: holders).acquire()
                }
            }
            var held: [Lease] = []
            for index in 0..<(kind == .mutex ? 1 : holders) { held.append(try await acquire(clients[index])) }
            let released = Recorder<Bool>()
            // Neighbours in the queue are of different sessions: a session is told once, whoever of it watches.
            let waiters = (0..<count).map { number in
                let client = clients[number % sessions]
                return Task {
                    let lease = try await acquire(client)
                    try await Task.sleep(for: .milliseconds(5))
                    await lease.release()
                    released.append(true)
                }
            }
            while try await watcher.children(path).count < held.count + count {
                try await Task.sleep(for: .milliseconds(50))
            }
            // All have set their watches when nothing is sent any more.
            var before = Notifications(deleted: -1, changed: 0, children: 0)
            while try await Self.notifications(server) != before {
                before = try await Self.notifications(server)
                try await Task.sleep(for: .milliseconds(500))
            }
            for lease in held { await lease.release() }
            for waiter in waiters { _ = try await waiter.value }
            let releases = count + held.count
            let after = try await Self.notifications(server)
            let deleted = after.deleted - before.deleted
            let (changed, children) = (after.changed - before.changed, after.children - before.children)
            // Whoever releases hears of its own node, if it came to watch it, and sleeps not.
            let wakeUps = Double(changed + children + max(0, deleted - releases)) / Double(releases)
            print(
                "\(kind.rawValue), \(count) waiters of \(sessions) sessions: \(releases) releases; notifications: \(deleted) of",
                "deleted nodes, \(changed) of changed ones, \(children) of changed lists: \(wakeUps) wake-ups for each release"
            )
            #expect(wakeUps <= 2.05)
            #expect(wakeUps > 0.5)
            for client in clients { await client.close() }
        }
    }
}
