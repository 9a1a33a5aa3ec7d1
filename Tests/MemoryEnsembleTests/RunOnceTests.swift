import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// Results that are computed once, over an ensemble in memory.
@Suite(.timeLimit(.minutes(5))) struct RunOnceTests {
    private struct Broken: Error {}

    @Test func oneComputesAndAllGetItsResult() async throws {
        let ensemble = MemoryEnsemble()
        let runs = Counter()
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<30 {
                group.addTask {
                    try await ensemble.with { client in
                        try await client.runOnce("/cache/prices").value { lease in
                            try lease.checkHeld()
                            runs.add()
                            try await Task.sleep(for: .milliseconds(50))
                            return [UInt8(number)]
                        }
                    }
                }
            }
            var results: Set<[UInt8]> = []
            for try await result in group { results.insert(result) }
            #expect(results.count == 1)
        }
        #expect(runs.value == 1)
        try await ensemble.with { client in
            let queue = try await client.queue(of: NodePath("/cache/prices/lock"))
            #expect(queue.entries.isEmpty)
            #expect(try await client.runOnce("/cache/prices").current() != nil)
        }
    }

    @Test func whatIsThereIsNotComputedUntilItIsInvalidated() async throws {
        try await MemoryEnsemble().with { client in
            let once = try client.runOnce("/cache")
            #expect(try await once.current() == nil)
            // Nothing to invalidate, and no trace of it.
            try await once.invalidate()
            #expect(try await client.exists(once.path) == nil)
            #expect(try await once.value { _ in [1] } == [1])
            #expect(try await once.value { _ in [2] } == [1])
            #expect(try await once.current() == [1])
            try await once.invalidate()
            #expect(try await once.current() == nil)
            #expect(try await once.value { _ in [3] } == [3])
            #expect(try await once.value(timeout: .zero) { _ in [] } == [3])
            // An empty result is one.
            try await once.invalidate()
            #expect(try await once.value { _ in [] } == [])
            #expect(try await once.current() == [])
        }
    }

    @Test func aComputationThatBeganBeforeAnInvalidationIsRepeated() async throws {
        try await MemoryEnsemble().with { client in
            let once = try client.runOnce("/cache")
            for round in 0..<2 {
                let runs = Counter()
                let result = try await once.value { _ in
                    let run = runs.add()
                    // With and without a result before it.
                    if run == 1 { try await once.invalidate() }
                    return [UInt8(10 * round + run)]
                }
                #expect(result == [UInt8(10 * round + 2)])
                #expect(runs.value == 2)
                try await once.invalidate()
            }
        }
    }

    @Test func aResultLivesByTheServersClock() async throws {
        try await MemoryEnsemble().with { client in
            // Who asks the same path for another time to live decides for itself.
            var options = RunOnce.Options()
            options.timeToLive = .seconds(3600)
            let lasting = try client.runOnce("/cache", options: options)
            options.timeToLive = .milliseconds(50)
            let once = try client.runOnce("/cache", options: options)
            #expect(try await once.value { _ in [1] } == [1])
            try await Task.sleep(for: .milliseconds(60))
            #expect(try await lasting.value { _ in [2] } == [1])
            #expect(try await once.current() == nil)
            #expect(try await once.value { _ in [3] } == [3])
            #expect(try await lasting.current() == [3])
            await expect(.invalidArgument) {
                var options = RunOnce.Options()
                options.timeToLive = .zero
                _ = try client.runOnce("/cache", options: options)
            }
        }
    }

    @Test func theNextOneComputesWhenOneFails() async throws {
        let ensemble = MemoryEnsemble()
        let runs = Counter()
        let (failures, results) = (Counter(), Recorder<[UInt8]>())
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    do {
                        let result = try await ensemble.with { client in
                            try await client.runOnce("/cache").value { _ in
                                let run = runs.add()
                                try await Task.sleep(for: .milliseconds(20))
                                if run <= 2 { throw Broken() }
                                return [UInt8(run)]
                            }
                        }
                        results.append(result)
                    } catch {
                        #expect(error is Broken)
                        failures.add()
                    }
                }
            }
        }
        #expect(failures.value == 2)
        #expect(results.all == Array(repeating: [3], count: 6))
    }

    @Test func whoWaitedGetsTheFailureWhereItIsShared() async throws {
        let ensemble = MemoryEnsemble()
        let options = {
            var options = RunOnce.Options()
            options.failure = .share
            options.label = "the first"
            return options
        }()
        let isComputing = Promise<Void>()
        let first = try await ensemble.connect()
        let once = try first.runOnce("/cache", options: options)
        let computing = Task {
            try await once.value { _ in
                isComputing.resolve(())
                try await untilChildren(of: NodePath("/cache/lock"), first, count: 5)
                throw Broken()
            }
        }
        await isComputing.value()
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    let error = await #expect(throws: RunOnceError.self) {
                        try await ensemble.with { client in
                            try await client.runOnce("/cache", options: options).value { _ in [1] }
                        }
                    }
                    if case .failed(let path, let description, let owner) = error {
                        #expect(path == once.path)
                        #expect(description == "Broken()")
                        #expect(owner?.label == "the first")
                    } else {
                        Issue.record("\(error as Any)")
                    }
                }
            }
        }
        await #expect(throws: Broken.self) { try await computing.value }
        // Who comes later computes.
        #expect(try await once.current() == nil)
        #expect(try await once.value { _ in [2] } == [2])
        await first.close()
    }

    @Test func whatIsTooLargeIsRefusedWithItsSize() async throws {
        try await MemoryEnsemble().with { client in
            let once = try client.runOnce("/cache")
            let size = RunOnce.maximumLength + 1
            await #expect(throws: RunOnceError.tooLarge(once.path, length: size, limit: size - 1)) {
                try await once.value { _ in [UInt8](repeating: 0, count: size) }
            }
            let largest = [UInt8](repeating: 7, count: RunOnce.maximumLength)
            #expect(try await once.value { _ in largest } == largest)
            #expect(try await once.current() == largest)
        }
    }

    @Test func whoLostTheLeaseCannotPublish() async throws {
        let ensemble = MemoryEnsemble()
        let (stale, other) = (try await ensemble.connect(), try await ensemble.connect())
        let error = await #expect(throws: LockError.self) {
            try await stale.runOnce("/cache").value { lease in
                try await ensemble.expireSession(of: stale)
                // It ignores its cancellation, and goes on when somebody else has computed.
                let result = try await Task { try await other.runOnce("/cache").value { _ in [2] } }.value
                #expect(result == [2])
                return [1]
            }
        }
        if case .lost = error {} else { Issue.record("\(error as Any)") }
        #expect(try await other.runOnce("/cache").current() == [2])
        await stale.close()
        await other.close()
    }

    @Test func aLostAnswerToThePublicationPublishesOnce() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let once = try client.runOnce("/cache")
            for round in 0..<10 {
                let runs = Counter()
                let result = try await once.value { _ in
                    runs.add()
                    try await ensemble.dropNextReply(of: client)
                    return [UInt8(round)]
                }
                #expect(result == [UInt8(round)])
                #expect(runs.value == 1)
                try await once.invalidate()
            }
        }
    }

    @Test func timeoutsAndCancellationsLeaveNobodyInTheQueue() async throws {
        try await MemoryEnsemble().with { client in
            let once = try client.runOnce("/cache")
            let isComputing = Promise<Void>()
            let goesOn = Promise<Void>()
            let computing = Task {
                try await once.value { _ in
                    isComputing.resolve(())
                    await goesOn.value()
                    return [1]
                }
            }
            await isComputing.value()
            let error = await #expect(throws: LockError.self) {
                try await once.value(timeout: .milliseconds(20)) { _ in [2] }
            }
            if case .timedOut = error {} else { Issue.record("\(error as Any)") }
            let waiting = Task { try await once.value { _ in [3] } }
            try await untilChildren(of: NodePath("/cache/lock"), client, count: 2)
            waiting.cancel()
            await #expect(throws: LockError.cancelled(once.lock.path)) { try await waiting.value }
            try await untilChildren(of: NodePath("/cache/lock"), client, count: 1)
            goesOn.resolve(())
            #expect(try await computing.value == [1])
            try await untilChildren(of: NodePath("/cache/lock"), client, count: 0)
        }
    }

    @Test func valuesAreWrittenAsJSON() async throws {
        struct Price: Codable, Hashable {
            var sku: String
            var cents: Int
        }
        try await MemoryEnsemble().with { client in
            let once = try client.runOnce("/cache")
            let price = Price(sku: "a\nb", cents: 995)
            #expect(try await once.value(as: Price.self) { _ in price } == price)
            #expect(try await once.value(as: Price.self) { _ in Price(sku: "", cents: 0) } == price)
        }
    }
}
