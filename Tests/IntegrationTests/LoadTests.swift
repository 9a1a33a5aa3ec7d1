import Glibc
import Logging
import Synchronization
import TestSupport
import Testing
import ZooKeeperLocks
import ZooKeeperTestKit

@testable import ZooKeeper

/// Load, faults and odd moments. Serialized: some look at the whole process.
@Suite(.weighty, .serialized) struct LoadTests {
    /// Who holds is asked after the time is over, and must not take long.
    @Test func aTimeoutIsKeptWhenTheServerFallsSilent() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                let lock = try client.lock("/lock")
                let lease = try await lock.acquire()
                let waiter = Task { () -> Duration in
                    let start = ContinuousClock.now
                    _ = try? await lock.acquire(timeout: .milliseconds(500))
                    return ContinuousClock.now - start
                }
                try await untilChildren(of: lock, count: 2)
                try server.pause()
                let elapsed = await waiter.value
                try server.resume()
                // 500 ms, and the second that is documented for the clean-up.
                #expect(elapsed < .seconds(2.5), "\(elapsed)")
                await lease.release()
            }
        }
    }

    @Test func watchesThatWereNeverSetDoNotCount() async throws {
        try await SharedServer.withClient { client in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                for number in 0..<2000 {
                    let path = try NodePath("/" + String(repeating: "x", count: 300) + "\(number)")
                    _ = try? await client.getAndWatch(path)
                }
            }
            try await task.value
            let session = try #require(client.keeper.currentSession)
            let (count, bytes) = session.core.withLock { ($0.watches.count, $0.watches.bytes) }
            #expect(count == 0)
            #expect(bytes == 0)
            try await client.create(NodePath("/a"))
            do { _ = try await client.getAndWatch(NodePath("/a")) } catch { Issue.record("\(error)") }
        }
    }

    @Test func watchesOfWaitersThatGaveUpDoNotPileUp() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let lease = try await lock.acquire()
            for _ in 0..<500 { _ = try? await lock.acquire(timeout: .milliseconds(1)) }
            for _ in 0..<20 { _ = try? await lock.acquire(timeout: .milliseconds(20)) }
            let session = try #require(client.keeper.currentSession)
            let count = session.core.withLock { $0.watches.count }
            #expect(count <= 2, "\(count) watches for one path")
            await lease.release()
        }
    }

    /// The first refusal makes the C handle refuse everything else; the news of that comes on the thread that hands it over.
    @Test func refusedCredentialsEndTheSessionWhateverElseIsParked() async throws {
        try await TestServer.with { server in
            var configuration = ZooKeeperClient.Configuration.quiet(server.connectString)
            configuration.connectTimeout = .seconds(6)
            configuration.credentials = (0..<400).map { Credential(scheme: "nosuch", data: Array("\($0)".utf8)) }
            var before = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before)
            await expect(.authenticationFailed) { try await ZooKeeperClient.connect(configuration) }
            var after = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after)
            let used = Double(after.tv_sec - before.tv_sec) + Double(after.tv_nsec - before.tv_nsec) / 1e9
            #expect(used < 3, "\(used) s of CPU")
        }
    }

    @Test func transactionsBelowARootGivePathsAsTheClientNamesThem() async throws {
        try await SharedServer.withClient { client in
            var transaction = Transaction()
            transaction.create(try NodePath("/a-"), mode: .persistentSequential)
            let results = try await client.commit(transaction)
            #expect(results.count == 1)
            if case .created(let path) = results[0] {
                let stat = try await client.exists(path)
                #expect(stat != nil, "\(path)")
            } else {
                Issue.record("\(results)")
            }
        }
    }

    @Test func hugeTimeouts() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            for timeout in [Duration.seconds(Int64.max), .nanoseconds(1)] {
                let lease = try? await lock.acquire(timeout: timeout)
                await lease?.release()
            }
        }
    }

    /// Many acquires, cancelled at any time, while the server is restarted, killed and paused.
    @Test func chaos() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let lock = try client.lock("/lock")
                var outcomes: [String: Int] = [:]
                let disturber = Task {
                    for round in 0..<4 {
                        try? await Task.sleep(for: .milliseconds(400))
                        switch round % 4 {
                        case 0: try await server.restart()
                        case 1: try await server.kill(); try await server.restart()
                        case 2:
                            try server.pause()
                            try? await Task.sleep(for: .seconds(3))
                            try server.resume()
                        default:
                            try server.pause()
                            try? await Task.sleep(for: .seconds(6))
                            try server.resume()
                        }
                    }
                }
                await withTaskGroup(of: String.self) { group in
                    for _ in 0..<1000 {
                        group.addTask {
                            try? await Task.sleep(for: .milliseconds(Int.random(in: 0..<8_000)))
                            let acquire = Task { () async throws(LockError) -> Lease in try await lock.acquire() }
                            let cancel = Task {
                                try? await Task.sleep(for: .milliseconds(Int.random(in: 0..<2000)))
                                acquire.cancel()
                            }
                            defer { cancel.cancel() }
                            switch await acquire.result {
                            case .success(let lease):
                                if Bool.random() { await Task.yield() }
                                await lease.release()
                                return "granted"
                            case .failure(LockError.cancelled): return "cancelled"
                            case .failure(let error): return "\(error)"
                            }
                        }
                    }
                    for await outcome in group { outcomes[outcome, default: 0] += 1 }
                }
                try await disturber.value
                print("chaos: \(outcomes)")
                #expect(Set(outcomes.keys).isSubset(of: ["granted", "cancelled"]))
                let final = await Task { try await lock.acquire(timeout: .seconds(20)) }.result
                switch final {
                case .success(let lease): await lease.release()
                case .failure(let error): Issue.record("the lock is stuck: \(error)")
                }
                let session = try #require(client.keeper.currentSession)
                func observers() -> Int { session.core.withLock { $0.observers.count } }
                // Whoever does not know whether its create was executed looks again after a third of the session timeout.
                let end = ContinuousClock.now + client.configuration.sessionTimeout
                while observers() > 1, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(50)) }
                let left = try await client.children(lock.path)
                #expect(left == [])
                let counts = session.core.withLock { ($0.watches.count, $0.requests.count) }
                print("chaos: watches, requests \(counts), observers \(observers()), \(end - .now) left")
                #expect(observers() <= 1)
            }
        }
    }

    /// A fresh contender looks at the link while the connection comes back.
    @Test func nobodyIsStuckWhoEntersWhileTheConnectionComesBack() async throws {
        try await TestServer.with { server in
            try await ZooKeeperClient.with(.brief(server.connectString)) { client in
                let stuck = Recorder<String>()
                let end = ContinuousClock.now + .seconds(8)
                let disturber = Task {
                    while ContinuousClock.now < end {
                        try? await server.expireSession(of: client)
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
                let entered = Recorder<Int>()
                await withTaskGroup { group in
                    for worker in 0..<6 {
                        group.addTask {
                            guard let lock = try? client.lock("/lock-\(worker)") else { return }
                            while ContinuousClock.now < end {
                                do {
                                    let lease = try await lock.acquire(timeout: .seconds(8))
                                    entered.append(1)
                                    await lease.release()
                                } catch {
                                    stuck.append("\(error)")
                                }
                            }
                        }
                    }
                }
                let returned = Recorder<Bool>()
                Task {
                    await disturber.value
                    returned.append(true)
                }
                try? await Task.sleep(for: .seconds(5))
                #expect(returned.all.count == 1, "expireSession(of:) still runs")
                print("stuck: \(entered.all.count) entered")
                var kinds: [String: Int] = [:]
                for text in stuck.all { kinds[text, default: 0] += 1 }
                #expect(kinds.isEmpty, "\(kinds)")
            }
        }
    }

    @Test func closingInTheMiddleEndsEverybody() async throws {
        try await SharedServer.withRoot { configuration in
            var longest = Duration.zero
            for _ in 0..<5 {
                let client = try await ZooKeeperClient.connect(configuration)
                let lock = try client.lock("/lock")
                let tasks = (0..<300).map { number in
                    Task {
                        if number % 3 == 0 { _ = try await client.get(.root) }
                        if number % 3 == 1 { for try await _ in client.changes(of: .root) {} }
                        try await lock.withLock(timeout: .seconds(30)) { _ in
                            try? await Task.sleep(for: .milliseconds(5))
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<60)))
                let start = ContinuousClock.now
                await client.close()
                longest = max(longest, .now - start)
                for task in tasks { _ = await task.result }
            }
            try await ZooKeeperClient.with(configuration) { client in
                let names = try await client.children(NodePath("/lock"))
                let start = ContinuousClock.now
                // The C client waits so long for the answer, then hangs up, and the server may not have read the request.
                let isHeard = longest < .milliseconds(1500)
                if !isHeard { print("a server took longer than close() waits for it: \(longest)") }
                #expect(names.isEmpty || !isHeard, "\(names.count) are left after close(), in \(longest) at most")
                while try await client.children(NodePath("/lock")) != [] {
                    try await Task.sleep(for: .milliseconds(20))
                }
                print("closing: gone after \(ContinuousClock.now - start)")
            }
        }
    }
}
