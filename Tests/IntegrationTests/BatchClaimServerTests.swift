import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// Batches of claims with a real server.
@Suite(.timeLimit(.minutes(30))) struct BatchClaimServerTests {
    private static func items(_ count: Int) -> [String] { (0..<count).map { "row-\($0)" } }

    @Test func theTokenIsTheTransactionThatCreatedTheClaim() async throws {
        try await SharedServer.withClient { client in
            let jobs = try client.batchClaim("/jobs/rows")
            let batch = try await jobs.claim(Self.items(20), upTo: 20)
            #expect(batch.count == 20)
            for item in batch.items {
                let stat = try #require(try await client.exists(NodePath("/jobs/rows/claims/\(item.id)")))
                #expect(stat.czxid == item.fencingToken.rawValue)
                #expect(stat.ephemeralOwner == client.sessionID)
            }
            var transaction = Transaction()
            transaction.create(try NodePath("/done"))
            let guarded = try batch.guard(transaction, for: "row-3")
            await batch.release("row-3")
            let next = try await jobs.claim(Self.items(20), upTo: 20)
            #expect(next.items.map(\.id) == ["row-3"])
            await expect(.noNode) { try await client.commit(guarded) }
            try await client.commit(next.guard(transaction, for: "row-3"))
            await next.release()
            await batch.release()
            #expect(try await jobs.entries().isEmpty)
        }
    }

    @Test func aSessionThatEndsIsToldAndCounted() async throws {
        try await SharedServer.withRoot { configuration in
            var options = BatchClaim.Options()
            options.label = "importer-1"
            try await ZooKeeperClient.with(configuration) { first in
                let batch = try await first.batchClaim("/jobs", options: options).claim(Self.items(10), upTo: 5)
                await batch.release("row-0")
                let events = batch.events
                try await first.expireSession()
                var last: ClaimEvent?
                for await event in events { last = event }
                #expect(last == .lost(.sessionExpired))
                try await ZooKeeperClient.with(configuration) { second in
                    let jobs = try second.batchClaim("/jobs")
                    let next = try await jobs.claim(Self.items(10), upTo: 10)
                    #expect(next.count == 10)
                    #expect(next.items.map(\.attempt) == [1, 2, 2, 2, 2, 1, 1, 1, 1, 1])
                    #expect(next.items[1].previousOwner?.label == "importer-1")
                    await next.release()
                    #expect(try await jobs.entries().isEmpty)
                }
            }
        }
    }

    @Test(.weighty) func thousandsOfItemsAreClaimedAndReleasedAtOnce() async throws {
        try await SharedServer.withClient { client in
            let jobs = try client.batchClaim("/jobs")
            let items = Self.items(5000)
            let first = try await timing("3000 claims") { try await jobs.claim(items, upTo: 3000) }
            #expect(first.count == 3000)
            // With what is taken in front of it.
            let second = try await timing("50 claims behind 3000 that are taken") {
                try await jobs.claim(items, upTo: 50)
            }
            #expect(second.items.map(\.id) == Array(items[3000..<3050]))
            await timing("3050 releases") {
                await first.release()
                await second.release()
            }
            // A release of so many may take longer than it waits.
            try await untilChildren(of: NodePath("/jobs/claims"), client, count: 0)
            try await untilChildren(of: NodePath("/jobs/attempts"), client, count: 0)
        }
    }

    /// Six who take all there is, again and again, with the same list.
    @Test(.weighty) func manyWhoWantTheSameItemsShareThem() async throws {
        try await SharedServer.withRoot { configuration in
            let owners = Recorder<String>()
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await ZooKeeperClient.with(configuration) { client in
                            let jobs = try client.batchClaim("/jobs")
                            while true {
                                let rest = Self.items(600).filter { !Set(owners.all).contains($0) }
                                if rest.isEmpty { return }
                                let batch = try await jobs.claim(rest, upTo: 20)
                                for item in batch.items where !owners.all.contains(item.id) { owners.append(item.id) }
                                await batch.release()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(owners.all.count == 600)
            #expect(Set(owners.all).count == 600)
        }
    }
}
