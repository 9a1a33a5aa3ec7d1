import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@Suite(.weighty) struct ElectionTests {
    private func candidate(_ name: String, _ client: ZooKeeperClient) throws -> LeaderElection {
        var options = LeaderElection.Options()
        options.label = name
        options.data = Array("\(name):8080".utf8)
        return try client.election("/election", options: options)
    }

    @Test func leadersAreToldWithTheirData() async throws {
        try await SharedServer.withRoot { configuration in
            let (mine, theirs) = (
                try await ZooKeeperClient.connect(configuration), try await ZooKeeperClient.connect(configuration)
            )
            let (ann, ben) = (try candidate("ann", mine), try candidate("ben", theirs))
            // From before the path exists.
            var leaders = try theirs.election("/election").leaders.makeAsyncIterator()
            #expect(try await leaders.next() == .some(nil))
            #expect(try await ann.leader() == nil)
            let first = try await ann.campaign()
            let told = try #require(try await leaders.next() ?? nil)
            #expect(told.label == "ann")
            #expect(told.data == Array("ann:8080".utf8))
            #expect(told.fencingToken == first.fencingToken)
            #expect(told.session == mine.sessionID)
            #expect(try await ben.leader() == told)

            let second = Task { try await ben.campaign() }
            try await untilChildren(of: try mine.lock("/election"), count: 2)
            // It may be asked to step down without being another leader.
            try await mine.lock("/election").revoke()
            await first.resign()
            let next = try await second.value
            let after = try #require(try await leaders.next() ?? nil)
            #expect(after.label == "ben")
            #expect(after.fencingToken == next.fencingToken)
            #expect(next.fencingToken > first.fencingToken)
            await next.resign()
            #expect(try await leaders.next() == .some(nil))
            await mine.close()
            await theirs.close()
        }
    }

    @Test func resigningIsReturning() async throws {
        try await SharedServer.withClient { client in
            let (ann, ben) = (try candidate("ann", client), try candidate("ben", client))
            let result = try await ann.withLeadership { lease in
                let leader = try await ben.leader()
                #expect(leader?.label == "ann")
                await #expect(throws: LockError.self) {
                    try await ben.withLeadership(timeout: .milliseconds(50)) { _ in }
                }
                return lease.fencingToken
            }
            let next = try await ben.withLeadership(timeout: .seconds(10)) { $0.fencingToken }
            #expect(next > result)
            #expect(try await ann.leader() == nil)
        }
    }

    @Test func candidatesThatComeAndGoAreNoNewsToOnlookers() async throws {
        try await SharedServer.withClient { client in
            let ann = try candidate("ann", client)
            let lease = try await ann.campaign()
            let seen = Recorder<String?>()
            let onlooker = Task {
                for try await leader in ann.leaders {
                    seen.append(leader?.label)
                    if leader == nil { break }
                }
            }
            while seen.all.isEmpty { await Task.yield() }
            for number in 0..<5 {
                let error = await #expect(throws: LockError.self) {
                    try await candidate("\(number)", client).campaign(timeout: .milliseconds(10))
                }
                let isTimedOut = if case .timedOut? = error { true } else { false }
                #expect(isTimedOut, "\(error as Any)")
            }
            await lease.resign()
            try await onlooker.value
            #expect(seen.all == ["ann", nil])
        }
    }

    @Test func aServiceStandsAgainAfterALossUntilItIsCancelled() async throws {
        try await SharedServer.withClient { client in
            let ann = try candidate("ann", client)
            let (terms, term) = AsyncStream.makeStream(of: FencingToken.self)
            let wasCancelled = Recorder<Bool>()
            let service = Task {
                try await ann.run { lease in
                    term.yield(lease.fencingToken)
                    defer { wasCancelled.append(Task.isCancelled) }
                    try await Task.sleep(for: .seconds(600))
                }
            }
            var tokens: [FencingToken] = []
            for await token in terms {
                tokens.append(token)
                guard tokens.count < 3 else { break }
                try await client.lock("/election").break(token: token)
            }
            service.cancel()
            // Without an error: it was to end.
            try await service.value
            #expect(tokens.count == 3)
            #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 })
            #expect(wasCancelled.all == [true, true, true])
            try await expectNobodyLeft(at: ann.path, client)
        }
    }

    @Test func aServiceThatReturnsStandsBehindTheOthers() async throws {
        try await SharedServer.withRoot { configuration in
            let (mine, theirs) = (
                try await ZooKeeperClient.connect(configuration), try await ZooKeeperClient.connect(configuration)
            )
            let order = Recorder<String>()
            let services = try [("ann", mine), ("ben", theirs)].map { name, client in
                let election = try candidate(name, client)
                return Task {
                    try await election.run { _ in
                        order.append(name)
                        // Until the other one stands.
                        try await untilChildren(of: try client.lock("/election"), count: 2)
                    }
                }
            }
            while order.all.count < 10 { try await Task.sleep(for: .milliseconds(2)) }
            for service in services { service.cancel() }
            for service in services { try await service.value }
            let terms = order.all
            #expect(zip(terms, terms.dropFirst()).allSatisfy { $0 != $1 }, "\(terms)")
            await mine.close()
            await theirs.close()
        }
    }

    @Test func anErrorOfTheServiceEndsIt() async throws {
        struct Oops: Error {}
        try await SharedServer.withClient { client in
            let ann = try candidate("ann", client)
            await #expect(throws: Oops.self) { try await ann.run { _ in throw Oops() } }
            try await expectNobodyLeft(at: ann.path, client)
            // A cancellation that nobody asked for is one, too.
            await #expect(throws: CancellationError.self) { try await ann.run { _ in throw CancellationError() } }
            await client.close()
            let error = await #expect(throws: LockError.self) { try await ann.run { _ in } }
            #expect(error?.session?.code == .closed)
        }
    }

    @Test func aServiceThatWaitsIsCancelledToo() async throws {
        try await SharedServer.withClient { client in
            let (ann, ben) = (try candidate("ann", client), try candidate("ben", client))
            let lease = try await ann.campaign()
            let service = Task { try await ben.run { _ in Issue.record("led") } }
            try await untilChildren(of: try client.lock("/election"), count: 2)
            service.cancel()
            try await service.value
            #expect(try await client.children(ann.path).count == 1)
            await lease.resign()
        }
    }

    @Test func tooMuchDataIsRefused() async throws {
        try await SharedServer.withClient { client in
            var options = LeaderElection.Options()
            options.data = Array(repeating: 7, count: 65536)
            _ = try client.election("/election", options: options)
            options.data.append(7)
            await expect(.dataTooLarge) { _ = try client.election("/election", options: options) }
        }
    }
}
