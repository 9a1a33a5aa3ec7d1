import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeper
@testable import ZooKeeperLocks

/// Batches of claims over an ensemble in memory.
@Suite(.timeLimit(.minutes(5))) struct BatchClaimTests {
    static func items(_ range: Range<Int>) -> [String] { range.map { "row-\($0)" } }

    /// What is left below the path.
    static func leftovers(_ recipe: BatchClaim) async throws -> [String] {
        var names: [String] = []
        for parent in ["claims", "attempts"] {
            names += try await recipe.client.children(recipe.path.appending(parent)).map { "\(parent)/\($0)" }
        }
        return names
    }

    @Test func aBatchIsClaimedAndReleased() async throws {
        try await MemoryEnsemble().with { client in
            let jobs = try client.batchClaim("/jobs/rows")
            let batch = try await jobs.claim(Self.items(0..<10), upTo: 4)
            #expect(batch.items.map(\.id) == Self.items(0..<4))
            #expect(batch.items.allSatisfy { $0.attempt == 1 && $0.previousOwner == nil })
            #expect(batch.isHeld)
            for item in batch.items { try batch.checkHeld(item.id) }
            // Somebody else gets the next ones, and a second batch of the same session is somebody else.
            let second = try await jobs.claim(Self.items(0..<10), upTo: 100)
            #expect(second.items.map(\.id) == Self.items(4..<10))
            #expect(try await jobs.claim(Self.items(0..<10), upTo: 1).isEmpty)
            await batch.release("row-2")
            #expect(throws: LockError.released(try NodePath("/jobs/rows/claims/row-2"))) {
                try batch.checkHeld("row-2")
            }
            try batch.checkHeld("row-3")
            let third = try await jobs.claim(Self.items(0..<10), upTo: 100)
            #expect(third.items.map(\.id) == ["row-2"])
            #expect(third.items[0].fencingToken > batch.items[2].fencingToken)
            #expect(third.items[0].attempt == 1)
            for batch in [batch, second, third] { await batch.release() }
            #expect(try await Self.leftovers(jobs) == [])
        }
    }

    @Test func theTokenIsTheTransactionThatCreatedTheClaim() async throws {
        try await MemoryEnsemble().with { client in
            let jobs = try client.batchClaim("/jobs")
            let batch = try await jobs.claim(Self.items(0..<3), upTo: 3)
            for item in batch.items {
                let stat = try #require(try await client.exists(try NodePath("/jobs/claims/\(item.id)")))
                #expect(stat.czxid == item.fencingToken.rawValue)
            }
            await batch.release()
        }
    }

    @Test func nothingAndNamesThatCannotBe() async throws {
        try await MemoryEnsemble().with { client in
            let jobs = try client.batchClaim("/jobs")
            #expect(try await jobs.claim([], upTo: 5).isEmpty)
            #expect(try await jobs.claim(["a"], upTo: 0).isEmpty)
            let long = String(repeating: "x", count: BatchClaim.maximumItemLength + 1)
            for items in [["a", ""], ["a/b"], ["."], [".."], ["a", "b", "a"], [long], ["a\u{0}b"], ["\u{1F600}"]] {
                let error = await #expect(throws: LockError.self) { try await jobs.claim(items, upTo: 1) }
                #expect(error?.session?.code == .invalidArgument, "\(items): \(error as Any)")
                #expect(error?.session?.detail.isEmpty == false)
            }
            let error = await #expect(throws: LockError.self) { try await jobs.claim(["a"], upTo: -1) }
            #expect(error?.session?.code == .invalidArgument)
            // Refused before anything was sent.
            #expect(try await client.exists(jobs.path) == nil)
            // Odd, and good.
            let odd = ["zookeeper", "a b", "é", "e\u{301}", "%2F", "claims"]
            let batch = try await jobs.claim(odd, upTo: 10)
            #expect(batch.items.map(\.id) == odd)
            for item in odd { try batch.checkHeld(item) }
            await batch.release()
            await expect(.invalidArgument) { try client.batchClaim("/") }
        }
    }

    @Test func whoEndsUncleanlyIsCountedAndNamed() async throws {
        let ensemble = MemoryEnsemble()
        let first = try await ensemble.connect()
        let second = try await ensemble.connect()
        var options = BatchClaim.Options()
        options.label = "importer-1"
        let batch = try await first.batchClaim("/jobs", options: options).claim(["a", "b", "c"], upTo: 3)
        await batch.release("b")
        try await ensemble.expireSession(of: first)
        let jobs = try second.batchClaim("/jobs")
        let left = try await jobs.entries()
        #expect(left.map(\.id) == ["a", "c"])
        #expect(left.allSatisfy { !$0.isHeld && $0.attempt == 1 && $0.owner?.label == "importer-1" })
        let next = try await jobs.claim(["a", "b", "c"], upTo: 3)
        #expect(next.items.map(\.attempt) == [2, 1, 2])
        #expect(next.items.map { $0.previousOwner?.label } == ["importer-1", nil, "importer-1"])
        #expect(next.items[0].fencingToken > batch.items[0].fencingToken)
        // Not finished either.
        await next.release("a", cleanly: false)
        let third = try await jobs.claim(["a"], upTo: 1)
        #expect(third.items[0].attempt == 3)
        await third.release()
        let fourth = try await jobs.claim(["a"], upTo: 1)
        #expect(fourth.items[0].attempt == 1)
        await fourth.release()
        await next.release()
        #expect(try await Self.leftovers(jobs) == [])
        await first.close()
        await second.close()
    }

    @Test func whoHasWhatSinceWhen() async throws {
        try await MemoryEnsemble().with { client in
            var options = BatchClaim.Options()
            options.label = "importer-7"
            let jobs = try client.batchClaim("/jobs", options: options)
            #expect(try await jobs.entries().isEmpty)
            let batch = try await jobs.claim(["b", "a"], upTo: 2)
            let entries = try await jobs.entries()
            #expect(entries.map(\.id) == ["a", "b"])
            #expect(entries.allSatisfy { $0.isHeld && $0.owner?.label == "importer-7" && $0.attempt == 1 })
            #expect(entries.map(\.fencingToken) == batch.items.reversed().map(\.fencingToken))
            #expect(abs(entries[0].since - Owner.milliseconds) < 60_000)
            #expect(try await jobs.forget("a") == false)
            await batch.release("a", cleanly: false)
            #expect(try await jobs.entry(for: "a")?.isHeld == false)
            #expect(try await jobs.forget("a"))
            #expect(try await jobs.entry(for: "a") == nil)
            await batch.release()
        }
    }

    @Test func aGuardedTransactionCommitsOnlyWhileTheItemIsHeld() async throws {
        try await MemoryEnsemble().with { client in
            let jobs = try client.batchClaim("/jobs")
            try await client.create(NodePath("/data"))
            let batch = try await jobs.claim(["a", "b"], upTo: 2)
            var transaction = Transaction()
            transaction.set(try NodePath("/data"), data: [1])
            let a = try batch.guard(transaction, for: "a")
            let b = try batch.guard(transaction, for: "b")
            try await client.commit(a)
            await batch.release("a")
            await expect(.noNode) { try await client.commit(a) }
            // Also when somebody else has it by now.
            let next = try await jobs.claim(["a"], upTo: 1)
            await expect(.noNode) { try await client.commit(a) }
            try await client.commit(b)
            #expect(throws: LockError.self) { try batch.guard(transaction, for: "a") }
            #expect(throws: LockError.self) { try batch.guard(transaction, for: "nowhere") }
            // The claim is broken by hand, and somebody else gets the item: the old owner's writes fail, and its release harms nobody.
            try await client.delete(NodePath("/jobs/claims/b"))
            let usurper = try await jobs.claim(["b"], upTo: 1)
            #expect(usurper.items.map(\.attempt) == [] || usurper.items[0].attempt == 2)
            await batch.release()
            for item in usurper.items { try usurper.checkHeld(item.id) }
            await usurper.release()
            await next.release()
            #expect(try await Self.leftovers(jobs) == [])
        }
    }

    @Test func aLostSessionLosesTheBatch() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let batch = try await client.batchClaim("/jobs").claim(["a", "b"], upTo: 2)
            let events = batch.events
            try await ensemble.expireSession(of: client)
            var last: ClaimEvent?
            for await event in events { last = event }
            #expect(last == .lost(.sessionExpired))
            #expect(!batch.isHeld && batch.remaining.isEmpty)
            #expect(throws: LockError.self) { try batch.checkHeld("a") }
            await batch.release()
        }
    }

    /// The session that a claim waits in may be over already.
    @Test func aClaimGoesOnInTheNextSession() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with(.quiet("memory:2181")) { client in
            let jobs = try client.batchClaim("/jobs")
            await (try await jobs.claim(["a"], upTo: 1)).release()
            let session = client.sessionID
            let states = client.states
            try await ensemble.disconnect(client)
            _ = await first(of: states) { $0 == .suspended }
            let claim = Task { () async throws(LockError) -> ClaimedBatch in
                try await jobs.claim(["a", "b"], upTo: 2, timeout: .seconds(30))
            }
            // Its requests wait for the connection before there is one; if not, this tests less.
            for _ in 0..<100 { await Task.yield() }
            try await ensemble.expireSession(of: client)
            try await ensemble.reconnect(client)
            let batch = try await claim.value
            #expect(client.sessionID != session)
            #expect(batch.isHeld)
            for item in batch.items { try batch.checkHeld(item.id) }
            // Nothing was sent.
            #expect(batch.items.map(\.attempt) == [1, 1])
            await batch.release()
            #expect(try await Self.leftovers(jobs) == [])
        }
    }

    @Test func whoIsStuckLosesTheBatchToOthers() async throws {
        try await MemoryEnsemble().with { client in
            var options = BatchClaim.Options()
            options.maximumHold = .seconds(1)
            let stuck = try await client.batchClaim("/jobs", options: options).claim(["a", "b"], upTo: 2)
            var events: [ClaimEvent] = []
            for await event in stuck.events { events.append(event) }
            #expect(events.count == 2)
            if case .holdEnds = events.first {} else { Issue.record("\(events)") }
            #expect(events.last == .lost(.heldTooLong))
            let jobs = try client.batchClaim("/jobs")
            while true {
                let next = try await jobs.claim(["a", "b"], upTo: 2)
                if next.count < 2 {
                    await next.release(cleanly: false)
                    try await Task.sleep(for: .milliseconds(20))
                    continue
                }
                #expect(next.items.allSatisfy { $0.attempt >= 2 })
                await next.release()
                break
            }
            await stuck.release()
            #expect(try await Self.leftovers(jobs) == [])
        }
    }

    /// The session lives on, but nobody could know: what was done under the batch may be half of it.
    @Test func aBatchThatCannotBeProvenIsLostAheadOfTheSession() async throws {
        let ensemble = MemoryEnsemble(tickTime: .milliseconds(50))
        var configuration = ZooKeeperClient.Configuration.quiet("memory:2181", sessionTimeout: .seconds(1))
        configuration.tickTime = .milliseconds(50)
        try await ensemble.with(configuration) { client in
            let jobs = try client.batchClaim("/jobs")
            let batch = try await jobs.claim(["a", "b"], upTo: 2)
            let session = client.sessionID
            let events = batch.events
            try await ensemble.disconnect(client)
            var told: [ClaimEvent] = []
            for await event in events { told.append(event) }
            #expect(told == [.suspended, .lost(.leaseExpired)])
            #expect(throws: LockError.self) { try batch.checkHeld("a") }
            try await ensemble.reconnect(client)
            _ = await first(of: client.states) { $0 == .connected }
            // Others may not have it yet if the session was quick to come back; a release ends that, and is no clean one.
            await batch.release()
            let next = try await jobs.claim(["a", "b"], upTo: 2)
            #expect(next.items.map(\.attempt) == [2, 2])
            if client.sessionID != session { print("the session has expired on a machine that is too busy") }
            await next.release()
        }
    }

    @Test func aBodyIsCancelledAndWhatItLeavesIsGivenBack() async throws {
        let ensemble = MemoryEnsemble()
        try await ensemble.with { client in
            let jobs = try client.batchClaim("/jobs")
            let count = try await jobs.withBatch(of: ["a", "b"], upTo: 2) { batch in
                await batch.release("a")
                return batch.count
            }
            #expect(count == 2)
            #expect(try await Self.leftovers(jobs) == [])
            struct Broken: Error {}
            await #expect(throws: Broken.self) {
                try await jobs.withBatch(of: ["a", "b"], upTo: 2) { batch in
                    await batch.release("a")
                    throw Broken()
                }
            }
            #expect(try await jobs.entries().map(\.id) == ["b"])
            let error = await #expect(throws: LockError.self) {
                try await jobs.withBatch(of: ["a"], upTo: 2) { _ in
                    try await ensemble.expireSession(of: client)
                    try await Task.sleep(for: .seconds(60))
                }
            }
            if case .lost(_, .sessionExpired, _) = error {} else { Issue.record("\(error as Any)") }
        }
    }

    @Test func aBatchThatIsDroppedIsGivenBack() async throws {
        try await MemoryEnsemble().with(.quiet("memory:2181")) { client in
            let jobs = try client.batchClaim("/jobs")
            _ = try await jobs.claim(["a", "b"], upTo: 2)
            // The removal is ahead of this in the same session.
            let next = try await jobs.claim(["a", "b"], upTo: 2)
            #expect(next.items.map(\.attempt) == [2, 2])
            await next.release()
        }
    }
}
