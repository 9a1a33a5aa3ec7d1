import Testing
import ZooKeeper
import ZooKeeperTestKit

/// What is awkward to bring about at a server.
@Suite struct DataTreeTests {
    private static let world = [Identity(scheme: "ip", id: "127.0.0.1")]

    private static func apply(_ request: ServerRequest, _ tree: inout DataTree) -> Result<Reply, Refusal> {
        let change = tree.prepare(request, session: 1, identities: world)
        return tree.apply(LoggedChange(zxid: tree.lastZxid + 1, time: 0, session: 1, change: change)).result
    }

    /// Measured at a server of version 3.8.0 whose log was changed so: numbers do not become negative, the last is given again.
    @Test func theLastSequenceNumberIsGivenAgainAndAgain() {
        var tree = DataTree()
        let parent = NodePath(unchecked: "/p")
        _ = Self.apply(.create("/p"), &tree)
        let nearTheEnd = TreeChange.create(
            NodePath(unchecked: "/p/x"), data: [], acl: [.open], .persistent, count: .max - 2)
        _ = tree.apply(LoggedChange(zxid: 2, time: 0, session: 1, change: nearTheEnd))
        for number in ["2147483645", "2147483646", "2147483647"] {
            #expect(Self.created(Self.apply(.create("/p/n-", .persistentSequential), &tree)) == "/p/n-\(number)")
        }
        let second: Result<Reply, Refusal>? = Self.apply(.create("/p/n-", .persistentSequential), &tree)
        #expect(second.code == .nodeExists)
        #expect(Self.created(Self.apply(.create("/p/m-", .persistentSequential), &tree)) == "/p/m-2147483647")
        #expect(tree.nodes[parent]?.childrenCreated == .max)
    }

    private static func created(_ result: Result<Reply, Refusal>) -> String? {
        if case .success(.created(let path, _)) = result { path.string } else { nil }
    }

    @Test func sequenceNumbersArePrintedAsJavaDoes() {
        #expect(SequentialName.suffix(0) == "0000000000")
        #expect(SequentialName.suffix(.max) == "2147483647")
        #expect(SequentialName.suffix(-1) == "-000000001")
        #expect(SequentialName.suffix(.min) == "-2147483648")
    }

    @Test func aFailedTransactionChangesNothing() {
        var tree = DataTree()
        _ = Self.apply(.create("/a"), &tree)
        let before = tree.nodes
        let failing: Result<Reply, Refusal>? = Self.apply(
            .commit([
                .create(NodePath(unchecked: "/a/b"), data: [], mode: .ephemeral, acl: [.open]),
                .delete(NodePath(unchecked: "/a/b"), version: nil),
                .set(NodePath(unchecked: "/a"), data: [1], version: 0),
                .check(NodePath(unchecked: "/a"), version: 0),
            ]), &tree)
        #expect(failing == .failure(Refusal(code: .badVersion, mayBeExecuted: false, failedOperation: 3)))
        #expect(tree.nodes == before)
    }

    @Test func watchesThatAreSetAgainTellWhatHasHappenedSince() {
        var tree = DataTree()
        for path in ["/same", "/changed", "/parent"] { _ = Self.apply(.create(path), &tree) }
        let seen = tree.lastZxid
        _ = Self.apply(.set("/changed"), &tree)
        _ = Self.apply(.create("/parent/child"), &tree)
        let paths = { (names: [String]) in names.map(NodePath.init(unchecked:)) }
        let packet = WatchPacket(
            lastZxid: seen, data: paths(["/same", "/changed", "/gone"]), exists: paths(["/parent", "/never"]),
            children: paths(["/same", "/parent", "/gone"]))
        var watches = ServerWatches()
        let events = watches.set(packet, for: ConnectionID(1), in: tree)
        #expect(
            events.map { "\($0.kind) \($0.path)" } == [
                "dataChanged /changed", "deleted /gone", "created /parent", "childrenChanged /parent", "deleted /gone",
            ])
    }

    @Test func oneConnectionIsToldOnceThatAZnodeIsGone() throws {
        let harness = ModelHarness(members: 1)
        let watcher = try #require(harness.connect(to: 0))
        let path = NodePath(unchecked: "/a")
        _ = harness.ask(.create("/a"), on: watcher)
        _ = harness.ask(.get(path, watch: true), on: watcher)
        _ = harness.ask(.children(path, watch: true), on: watcher)
        _ = harness.ask(.children(.root, watch: true), on: watcher)
        harness.received = [:]
        _ = harness.ask(.delete(path, version: nil), on: watcher)
        let events = harness.received[watcher, default: []].compactMap { packet in
            if case .event(let event) = packet { "\(event.kind) \(event.path)" } else { nil }
        }
        #expect(events == ["deleted /a", "childrenChanged /"])
    }

    /// The value that the digest scheme gives is that of the server's own tool, `DigestAuthenticationProvider`.
    @Test func digestsAreThoseOfTheServers() {
        let credential = Credential.digest(user: "super", password: "test")
        let identity = Identity(credential, at: Identity(scheme: "ip", id: "127.0.0.1"))
        #expect(identity?.id == "super:D/InIHSb7yEEbrWz8b9l71RjZJU=")
    }
}
