import Testing
import ZooKeeper
import ZooKeeperTestKit

/// Several members: what is late, what is cut off, who leads.
@Suite struct EnsembleModelTests {
    /// Measured with real servers: a holder whose member is cut off goes on reading its own znode after the leader has deleted it.
    @Test func aCutOffMemberAnswersReadsAfterTheLeaderHasExpiredTheSession() throws {
        let harness = ModelHarness(members: 3)
        let holder = try #require(harness.connect(to: 1))
        let other = try #require(harness.connect(to: 0))
        #expect(harness.ask(.create("/lock", .ephemeral), on: holder).isSuccess)
        harness.model.isolate(MemberID(1))
        var lost: Int64?
        var believed: Int64 = 0
        for _ in 0..<200 {
            harness.pass(100, pinging: [holder, other])
            if lost == nil, harness.ask(.exists("/lock"), on: other).code == .noNode { lost = harness.model.now }
            if harness.ask(.exists("/lock"), on: holder).isSuccess { believed = harness.model.now }
        }
        let at = try #require(lost)
        // Timeout 4 s, tick 1 s: not before 4 s after the last touch, and not a tick and a ping later.
        #expect((4000...6500).contains(at), "\(at)")
        // It notices after syncLimit ticks.
        #expect(believed > at + 3000 && believed < 10_500, "\(believed)")
        #expect(harness.isClosed(holder))
    }

    @Test func aWriteThroughACutOffMemberHangs() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 1))
        harness.model.isolate(MemberID(1))
        let write = harness.send(.create("/a"), on: client)
        let read = harness.send(.exists("/"), on: client)
        harness.pass(3000, pinging: [client])
        #expect(harness.answer(write, on: client) == nil)
        // Answers come in the order of the requests.
        #expect(harness.answer(read, on: client) == nil)
        harness.model.heal()
        harness.settle()
        #expect(harness.answer(write, on: client).isSuccess)
        #expect(harness.answer(read, on: client).isSuccess)
    }

    @Test func aFollowerThatLagsShowsThePastUntilItsClientSyncs() throws {
        let harness = ModelHarness(members: 3)
        let late = MemberID(2)
        let reader = try #require(harness.connect(to: 2))
        let writer = try #require(harness.connect(to: 0))
        let isQuick: (Link) -> Bool = { $0 != .between(MemberID(0), late) }
        let write = harness.send(.create("/a"), on: writer)
        harness.settle(where: isQuick)
        #expect(harness.answer(write, on: writer).isSuccess)
        let before = harness.send(.exists("/a"), on: reader)
        harness.settle(where: isQuick)
        #expect(harness.answer(before, on: reader).code == .noNode)
        let sync = harness.send(.sync, on: reader)
        let after = harness.send(.exists("/a"), on: reader)
        harness.settle(where: isQuick)
        #expect(harness.answer(sync, on: reader) == nil)
        harness.settle()
        #expect(harness.answer(sync, on: reader).isSuccess)
        #expect(harness.answer(after, on: reader).isSuccess)
    }

    @Test func aWriteNeedsAQuorum() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 0))
        harness.model.crash(MemberID(1))
        #expect(harness.ask(.create("/a"), on: client).isSuccess)
        harness.model.isolate(MemberID(0))
        let write = harness.send(.create("/b"), on: client)
        harness.settle()
        #expect(harness.answer(write, on: client) == nil)
        // The leader misses its followers, gives up, and closes the connections of its clients.
        harness.pass(12_000, pinging: [client])
        #expect(harness.leaders().isEmpty)
        #expect(harness.isClosed(client))
    }

    @Test func aWatchFiresWhenTheMemberAppliesTheChangeAndAheadOfTheAnswer() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 1))
        _ = harness.ask(.create("/a"), on: client)
        _ = harness.ask(.exists("/a", watch: true), on: client)
        harness.received = [:]
        let write = harness.send(.set("/a"), on: client)
        harness.settle()
        let packets = harness.received[client, default: []]
        try #require(packets.count == 2)
        #expect(packets[0] == .event(WatchEvent(.dataChanged, path: NodePath(unchecked: "/a"))))
        if case .answer(write, _, .success) = packets[1] {} else { Issue.record("\(packets[1])") }
    }

    @Test func touchesOfAFollowersClientsReachTheLeaderWithItsPings() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 1))
        let session = try #require(harness.session(of: client))
        harness.pass(60_000, pinging: [client])
        #expect(!harness.isClosed(client))
        // Without them the session expires, though the client is heard from and its writes are committed.
        let leader = MemberID(0)
        func expiry() -> Int64? { harness.model.members[leader]?.leadership?.sessions.entries[session]?.expiresAt }
        let before = try #require(expiry())
        harness.model.advance(to: harness.model.now + 400)
        #expect(harness.ask(.create("/a"), on: client).isSuccess)
        #expect(expiry() == before)
        harness.pass(1600, pinging: [client])
        #expect(try #require(expiry()) > before)
    }

    @Test func sessionsExpireAtTheEndOfATickNeverEarly() throws {
        for start in stride(from: Int64(0), to: 1000, by: 130) {
            let harness = ModelHarness(members: 1)
            harness.pass(start)
            let client = try #require(harness.connect(to: 0))
            let connected = harness.model.now
            _ = harness.ask(.create("/e", .ephemeral), on: client)
            while harness.model.members[MemberID(0)]?.tree.ephemerals.isEmpty == false { harness.pass(1) }
            let lived = harness.model.now - connected
            #expect((4000...5100).contains(lived), "\(lived) from \(start)")
            #expect(harness.model.now % 1000 < 101)
        }
    }

    @Test func timeoutsAreNegotiated() throws {
        for (wish, agreed) in [(1, 2000), (5000, 5000), (1_000_000, 20_000)] as [(Int64, Int64)] {
            let harness = ModelHarness(members: 1)
            let client = try #require(harness.connect(to: 0, timeout: wish))
            let session = try #require(harness.session(of: client))
            #expect(harness.received[client] == [.connected(session: session, timeout: agreed)])
        }
    }

    @Test func aWriteThroughAMemberThatTheSessionHasLeftIsRefused() throws {
        let harness = ModelHarness(members: 3)
        let old = try #require(harness.connect(to: 1))
        let session = try #require(harness.session(of: old))
        // Under way when the client gives the connection up.
        harness.send(.create("/a"), on: old)
        harness.settle { if case .between = $0 { false } else { true } }
        let held = harness.model.links[.between(MemberID(1), MemberID(0))]
        let new = try #require(harness.open(MemberID(2)))
        harness.model.send(.connect(session: session, timeout: 4000, lastZxid: 0), on: new)
        harness.settle { $0 != .between(MemberID(1), MemberID(0)) }
        #expect(harness.session(of: new) == session)
        #expect(harness.model.links[.between(MemberID(1), MemberID(0))] == held)
        harness.settle()
        // A moved session is told by closing the connection.
        #expect(harness.isClosed(old))
        #expect(harness.ask(.exists("/a"), on: new).code == .noNode)
        #expect(harness.ask(.create("/b"), on: new).isSuccess)
    }

    @Test func aNewLeaderHasEveryCommittedChangeAndStartsTheTimersAnew() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 1))
        let session = try #require(harness.session(of: client))
        #expect(harness.ask(.create("/e", .ephemeral), on: client).isSuccess)
        harness.pass(3000)
        harness.model.crash(MemberID(0))
        harness.settle()
        #expect(harness.isClosed(client))
        #expect(harness.elect(MemberID(2)))
        #expect(harness.leaders() == [MemberID(2)])
        let tracked = harness.model.members[MemberID(2)]?.leadership?.sessions.entries[session]
        #expect(tracked.map { $0.expiresAt - harness.model.now > 4000 } == true)
        let again = try #require(harness.connect(to: 1, session: session))
        #expect(harness.session(of: again) == session)
        #expect(harness.ask(.exists("/e"), on: again).isSuccess)
        #expect(harness.ask(.create("/f"), on: again).isSuccess)
        // The zxid of a new epoch is larger than any before.
        let czxid = harness.model.members[MemberID(1)]?.tree.nodes[NodePath(unchecked: "/f")]?.czxid
        #expect(czxid.map { $0 >> 32 == 2 } == true)
        // The old leader comes back as a follower.
        harness.model.restart(MemberID(0))
        #expect(harness.join(MemberID(0)))
        let third = try #require(harness.connect(to: 0))
        #expect(harness.ask(.exists("/f"), on: third).isSuccess)
    }

    @Test func whatWasLoggedByFewerThanAQuorumMayBeLost() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 0))
        harness.send(.create("/a"), on: client)
        harness.settle { if case .between = $0 { false } else { true } }
        harness.model.crash(MemberID(0))
        harness.settle()
        #expect(harness.isClosed(client))
        #expect(harness.elect(MemberID(1)))
        let other = try #require(harness.connect(to: 2))
        #expect(harness.ask(.exists("/a"), on: other).code == .noNode)
    }

    @Test func whatAQuorumHasLoggedIsCommittedThoughNobodyWasTold() throws {
        let harness = ModelHarness(members: 3)
        let client = try #require(harness.connect(to: 0))
        harness.send(.create("/a"), on: client)
        // The proposals arrive; the acknowledgements do not.
        harness.settle { link in
            if case .between(let from, _) = link { from == MemberID(0) } else { true }
        }
        harness.model.crash(MemberID(0))
        #expect(harness.elect(MemberID(1)))
        let other = try #require(harness.connect(to: 2))
        #expect(harness.ask(.exists("/a"), on: other).isSuccess)
    }

    @Test func aMemberThatIsBehindItsClientTurnsItAway() throws {
        let harness = ModelHarness(members: 1)
        let connection = try #require(harness.open(MemberID(0)))
        harness.model.send(.connect(session: 0, timeout: 4000, lastZxid: .max), on: connection)
        harness.settle()
        #expect(harness.received[connection] == [.closed])
    }

    @Test func equalDecisionsGiveEqualEnsembles() throws {
        func run() throws -> EnsembleModel {
            let harness = ModelHarness(members: 3)
            for member in 0..<3 {
                let client = try #require(harness.connect(to: member))
                _ = harness.ask(.create("/n", .ephemeralSequential), on: client)
                harness.pass(700, pinging: [client])
            }
            harness.model.isolate(MemberID(1))
            harness.pass(5000)
            return harness.model
        }
        let (one, other) = (try run(), try run())
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
    }
}
