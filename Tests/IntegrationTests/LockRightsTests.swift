import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Who may not, cannot; and is told which right is missing, and where.
@Suite(.weighty) struct LockRightsTests {
    private struct Parties {
        var ann: ZooKeeperClient
        var friend: ZooKeeperClient
        var stranger: ZooKeeperClient
    }

    /// Two clients that authenticate as the same user, and one that does as another.
    private func withParties(_ body: (Parties) async throws -> Void) async throws {
        try await SharedServer.withRoot { configuration in
            func client(_ user: String) async throws -> ZooKeeperClient {
                var configuration = configuration
                configuration.credentials = [.digest(user: user, password: "secret of \(user)")]
                return try await ZooKeeperClient.connect(configuration)
            }
            let parties = Parties(
                ann: try await client("ann"), friend: try await client("ann"), stranger: try await client("eve"))
            try await body(parties)
            for client in [parties.ann, parties.friend, parties.stranger] { await client.close() }
        }
    }

    private static let ours: DistributedLock.Options = {
        var options = DistributedLock.Options()
        options.label = "a secret"
        options.acl = [.creator]
        return options
    }()

    /// Expects that a right is missing; nothing else.
    private func expectMissing(
        _ right: String, on path: NodePath, location: SourceLocation = #_sourceLocation,
        _ attempt: () async throws -> Void
    ) async {
        do {
            try await attempt()
            Issue.record("was allowed", sourceLocation: location)
        } catch {
            let cause = (error as? LockError)?.session ?? error as? ZooKeeperError
            #expect(cause?.code == .notAuthorized, "\(error)", sourceLocation: location)
            #expect(
                "\(error)".contains("the right '\(right)' is missing on \(path)"), "\(error)", sourceLocation: location)
        }
    }

    @Test func aStrangerCanNeitherEnterNorSeeNorAskNorBreak() async throws {
        try await withParties { parties in
            let lock = try parties.ann.lock("/private", options: Self.ours)
            let lease = try await lock.acquire()
            let theirs = try parties.stranger.lock("/private")
            await expectMissing("create", on: lock.path) { _ = try await theirs.acquire() }
            await expectMissing("create", on: lock.path) { _ = try await theirs.tryAcquire() }
            await expectMissing("create", on: lock.path) { try await theirs.withLock { _ in } }
            await expectMissing("read", on: lock.path) { _ = try await parties.stranger.queue(of: lock.path) }
            await expectMissing("read", on: lock.path) {
                for try await _ in parties.stranger.queueChanges(of: lock.path) {}
            }
            await expectMissing("read", on: lock.path) { try await theirs.revoke() }
            await expectMissing("read", on: lock.path) { try await theirs.break(token: lease.fencingToken) }
            // Who knows the node's name by other means.
            let entry = try #require(try await parties.ann.queue(of: lock.path).holder)
            await expectMissing("delete", on: lock.path) { try await parties.stranger.break(entry) }
            await expectMissing("read", on: lease.node) { try await parties.stranger.revoke(entry) }
            await expectMissing("read", on: lease.node) { _ = try await parties.stranger.get(lease.node) }
            #expect(lease.isHeld)
            try await lease.proveHeld()
            await lease.release()
            try await expectNobodyLeft(at: lock.path, parties.ann)
        }
    }

    @Test func aFriendCanDoAllOfIt() async throws {
        try await withParties { parties in
            let lease = try await parties.ann.lock("/private", options: Self.ours).acquire()
            let lock = try parties.friend.lock("/private", options: Self.ours)
            #expect(try await parties.friend.queue(of: lock.path).holder?.owner?.label == "a secret")
            let next = Task { try await lock.acquire() }
            try await untilChildren(of: lock, count: 2)
            var events = lease.events.makeAsyncIterator()
            try await lock.revoke(reason: "please")
            guard case .revocationRequested? = await events.next() else {
                Issue.record("not told")
                return
            }
            try await lock.break(token: lease.fencingToken)
            await (try await next.value).release()
            await lease.release()
        }
    }

    @Test func whoMaySeeTheQueueButNotTheRecordsSeesTheTokens() async throws {
        try await withParties { parties in
            let path = try NodePath("/half")
            try await parties.ann.create(path, acl: [.creator, .readable])
            let lease = try await parties.ann.lock("/half", options: Self.ours).acquire()
            let queue = try await parties.stranger.queue(of: path)
            #expect(queue.holder?.fencingToken == lease.fencingToken)
            #expect(queue.holder?.owner == nil && queue.holder?.identifier == nil)
            let theirs = try parties.stranger.lock("/half")
            await expectMissing("create", on: path) { _ = try await theirs.acquire() }
            await expectMissing("delete", on: path) { try await theirs.break(token: lease.fencingToken) }
            await expectMissing("read", on: lease.node) { try await theirs.revoke() }
            await lease.release()
            // The record may be read, and not written.
            var options = Self.ours
            options.acl = [.creator, .readable]
            let second = try await parties.ann.lock("/half", options: options).acquire()
            #expect(try await parties.stranger.queue(of: path).holder?.owner?.label == "a secret")
            await expectMissing("write", on: second.node) { try await theirs.revoke() }
            #expect(second.revocation == nil)
            await second.release()
        }
    }

    @Test func aPathThatMayNotBeMadeIsNamedWhereTheRightIsMissing() async throws {
        try await withParties { parties in
            let root = try NodePath("/ours")
            try await parties.ann.create(root, acl: [.creator])
            await expectMissing("create", on: root) {
                _ = try await parties.stranger.lock("/ours/deep/down").acquire()
            }
            await expectMissing("create", on: root) {
                try await parties.stranger.ensureExists(try NodePath("/ours/a/b"))
            }
        }
    }

    @Test func theRightsOfWhomNobodyKnowsAreRefused() async throws {
        try await SharedServer.withClient { client in
            // The creator has not authenticated.
            let error = await #expect(throws: LockError.self) {
                try await client.lock("/private", options: Self.ours).acquire()
            }
            #expect(error?.session?.code == .invalidACL)
            #expect("\(error as Any)".contains("authenticated"), "\(error as Any)")
        }
    }

    @Test func elsewhereTheMissingRightIsNamedToo() async throws {
        try await withParties { parties in
            let path = try NodePath("/a")
            try await parties.ann.create(path, acl: [.creator])
            await expectMissing("write", on: path) { try await parties.stranger.set(path, data: []) }
            await expectMissing("admin", on: path) { try await parties.stranger.setACL([.open], of: path) }
            await expectMissing("read", on: path) { _ = try await parties.stranger.children(path) }
            await expectMissing("create", on: path) { try await parties.stranger.create(try NodePath("/a/b")) }
            try await parties.ann.create(try NodePath("/a/b"))
            await expectMissing("delete", on: path) { try await parties.stranger.delete(try NodePath("/a/b")) }
        }
    }

    @Test func anElectionIsForThoseWhoMay() async throws {
        try await withParties { parties in
            var options = LeaderElection.Options()
            options.acl = [.creator]
            let lease = try await parties.ann.election("/office", options: options).campaign()
            let theirs = try parties.stranger.election("/office")
            await expectMissing("create", on: theirs.path) { _ = try await theirs.campaign() }
            await expectMissing("read", on: theirs.path) { _ = try await theirs.leader() }
            await expectMissing("create", on: theirs.path) { try await theirs.run { _ in } }
            await lease.resign()
        }
    }
}
