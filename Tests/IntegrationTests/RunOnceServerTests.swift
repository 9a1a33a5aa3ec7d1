import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// Results that are computed once, with a real server.
@Suite(.timeLimit(.minutes(30))) struct RunOnceServerTests {
    private struct Broken: Error {}

    @Test func aResultLivesByTheServersClock() async throws {
        try await SharedServer.withClient { client in
            // Who asks the same path for another time to live decides for itself.
            var options = RunOnce.Options()
            options.timeToLive = .seconds(3600)
            let lasting = try client.runOnce("/cache/prices", options: options)
            options.timeToLive = .milliseconds(200)
            let once = try client.runOnce("/cache/prices", options: options)
            #expect(try await once.value { _ in [1] } == [1])
            try await Task.sleep(for: .milliseconds(250))
            #expect(try await lasting.value { _ in [2] } == [1])
            #expect(try await once.current() == nil)
            #expect(try await once.value { _ in [3] } == [3])
            #expect(try await lasting.current() == [3])
            try await once.invalidate()
            #expect(try await once.current() == nil)
            let largest = [UInt8](repeating: 7, count: RunOnce.maximumLength)
            #expect(try await once.value { _ in largest } == largest)
            #expect(try await client.runOnce("/cache/prices").current() == largest)
        }
    }

    /// Nobody waits longer than the result takes: whoever queues is not served one after the other.
    @Test(.weighty) func allWhoWaitGetTheResultAtOnce() async throws {
        try await SharedServer.withRoot { configuration in
            try await ZooKeeperClient.with(configuration) { client in
                let once = try client.runOnce("/cache")
                let published = Recorder<ContinuousClock.Instant>()
                let arrivals = Recorder<Duration>()
                try await withThrowingTaskGroup { group in
                    for _ in 0..<200 {
                        group.addTask {
                            let result = try await once.value { _ in
                                try await untilChildren(of: NodePath("/cache/lock"), client, count: 200)
                                published.append(.now)
                                return [1]
                            }
                            #expect(result == [1])
                            if let start = published.all.first { arrivals.append(ContinuousClock.now - start) }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(published.all.count == 1)
                let last = arrivals.all.max() ?? .zero
                print("200 waiters had the result within \(last) after it was computed")
                if !Sanitizer.isOn { #expect(last < .seconds(10)) }
                try await untilChildren(of: NodePath("/cache/lock"), client, count: 0)
            }
        }
    }

    @Test func whoWaitedGetsTheFailureWhereItIsShared() async throws {
        try await SharedServer.withRoot { configuration in
            let options = {
                var options = RunOnce.Options()
                options.failure = .share
                return options
            }()
            try await ZooKeeperClient.with(configuration) { client in
                let once = try client.runOnce("/cache", options: options)
                let (own, shared) = (Counter(), Counter())
                await withTaskGroup { group in
                    for _ in 0..<5 {
                        group.addTask {
                            do {
                                _ = try await once.value { _ in
                                    try await untilChildren(of: NodePath("/cache/lock"), client, count: 5)
                                    throw Broken()
                                }
                            } catch is Broken {
                                own.add()
                            } catch let error as RunOnceError {
                                if case .failed(_, "Broken()", _) = error { shared.add() }
                            } catch {
                                Issue.record(error)
                            }
                        }
                    }
                }
                #expect(own.value == 1)
                #expect(shared.value == 4)
                #expect(try await once.value { _ in [2] } == [2])
            }
        }
    }
}
