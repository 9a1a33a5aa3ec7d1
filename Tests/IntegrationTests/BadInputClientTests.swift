import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// What is wrong is said before C sees it, and the client that was asked still works.
@Suite(.timeLimit(.minutes(5))) struct BadInputClientTests {
    /// Connect strings that are refused before anything is tried.
    @Test(arguments: [
        ("", "it is empty"),
        (",", "no hosts"),
        ("/", "no hosts"),
        ("localhost", "missing port"),
        ("h:99999", "bad port"),
        ("zk://h:2181", "remove the scheme"),
        ("a:1;b:2", "separate hosts with ','"),
        ("h:1\u{0}", "control character"),
        ("h:1/a/", "bad chroot"),
        ("h:1/zookeeper", "reserved"),
    ])
    func connectStrings(text: String, reason: String) async {
        let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(.quiet(text)) }
        #expect(error?.code == .invalidConnectString)
        #expect(error?.detail.contains(reason) == true, "\(error?.detail ?? "")")
    }

    @Test func spacesAndEmptyItemsAndSlashesAreUnderstood() async throws {
        let server = try await SharedServer.server.value
        for text in [" \(server.connectString) ,", ",,\(server.connectString)/", "[::1]:1,\(server.connectString)"] {
            try await ZooKeeperClient.with(.quiet(text)) { client in _ = try await client.exists(.root) }
        }
    }

    @Test func aHostThatIsNotFoundDoesNotMatterWhereAnotherIs() async throws {
        let server = try await SharedServer.server.value
        try await ZooKeeperClient.with(.quiet("nosuch.invalid:2181,\(server.connectString)")) { client in
            _ = try await client.exists(.root)
        }
    }

    static let hugeDurations: [Duration] = [
        .seconds(-1), .zero, .seconds(86_401), .seconds(Int64.max), .seconds(Int64.min), .seconds(Int64.max) * 2,
    ]

    @Test(arguments: hugeDurations) func timeouts(timeout: Duration) async {
        for property in [\ZooKeeperClient.Configuration.requestTimeout, \.connectTimeout, \.sessionTimeout] {
            var configuration = ZooKeeperClient.Configuration.quiet("127.0.0.1:1")
            configuration[keyPath: property] = timeout
            let error = await #expect(throws: ZooKeeperError.self) { try await ZooKeeperClient.connect(configuration) }
            #expect(error?.code == .invalidTimeout)
            #expect(error?.detail.contains("timeout of \(timeout)") == true, "\(error?.detail ?? "")")
        }
    }

    @Test(arguments: hugeDurations) func timesToLive(duration: Duration) async throws {
        guard !(.milliseconds(1) ..< .milliseconds(1 << 40)).contains(duration) else { return }
        try await SharedServer.withClient { client in
            for mode in [CreateMode.persistentWithTTL(duration), .persistentSequentialWithTTL(duration)] {
                let path = try NodePath("/ttl")
                await expect(.invalidArgument) { try await client.create(path, mode: mode) }
                try await client.create(path)
                try await client.delete(path)
            }
        }
    }

    @Test func timesToLiveAtTheLimits() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/ttl")
            await expect(.invalidArgument) {
                try await client.create(path, mode: .persistentWithTTL(.milliseconds(1 << 40)))
            }
            await expect(.invalidArgument) {
                try await client.create(path, mode: .persistentWithTTL(.nanoseconds(999_999)))
            }
            try await client.create(path, mode: .persistentWithTTL(.milliseconds((1 << 40) - 1)))
            try await client.create(try path.appending("x"), mode: .persistentWithTTL(.milliseconds(1)))
        }
    }

    @Test func aRequestTimeoutOfNothingIsATimeoutAndNoMore() async throws {
        try await SharedServer.withRoot { configuration in
            var configuration = configuration
            configuration.requestTimeout = .nanoseconds(1)
            try await ZooKeeperClient.with(configuration) { client in
                // The answer may be there before the timer is.
                for _ in 0..<100 {
                    do throws(ZooKeeperError) {
                        _ = try await client.get(.root)
                    } catch {
                        #expect(error.code == .requestTimedOut)
                    }
                }
                #expect(client.state == .connected)
            }
        }
    }

    // MARK: Paths and data

    @Test func pathsAtTheLimitWork() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/" + String(repeating: "p", count: NodePath.maximumLength - 1))
            try await client.create(path, data: [1])
            let watch = try await client.getAndWatch(path).watch
            try await client.set(path, data: [2])
            #expect(try await watch.event().path == path)
            let (numbered, _) = try await client.create(path, mode: .ephemeralSequential)
            #expect(numbered.string.utf8.count == NodePath.maximumLength + 10)
            try await client.delete(numbered)
            var transaction = Transaction()
            transaction.create(path, mode: .persistentSequential)
            let results = try await client.commit(transaction)
            #expect(results.first?.createdPath?.string.utf8.count == NodePath.maximumLength + 10)
            await expect(.invalidPath) { try path.appending("x") }
        }
    }

    @Test func theDeepestTreeThatAPathCanName() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath(String(repeating: "/d", count: 300))
            try await client.ensureExists(path)
            #expect(try await client.exists(path) != nil)
        }
    }

    @Test(arguments: ["/ü", "/a b", "/100%?", "/日本", "/a\u{301}", "/…"])
    func namesThatTheServerTakesComeBackAsTheyAre(text: String) async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath(text)
            #expect(try await client.create(path).path == path)
            let names = try await client.children(.root)
            #expect(names.map { Array($0.utf8) } == [Array(text.utf8.dropFirst())])
        }
    }

    @Test func dataAtTheLimits() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/data")
            try await client.create(path, data: [UInt8](repeating: 1, count: 1_000_000))
            #expect(try await client.get(path).data.count == 1_000_000)
            for count in [1_000_001, 1_048_000, 1_048_576, 5_000_000] {
                let error = await #expect(throws: ZooKeeperError.self) {
                    try await client.set(path, data: [UInt8](repeating: 2, count: count))
                }
                #expect(error?.code == .dataTooLarge)
                #expect(error?.detail == "\(count) bytes of data, at most 1000000 are sent")
                #expect(error?.outcomeIsUnknown == false)
            }
            #expect(try await client.set(path, data: []).version == 1)
            #expect(try await client.get(path).data == [])
        }
    }

    // MARK: Access rights and credentials

    @Test(arguments: [
        ACL(.all, scheme: "world\u{0}x", id: "anyone"), ACL(.all, scheme: "world", id: "any\u{0}one"),
    ])
    func aNULInTheRights(entry: ACL) async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/acl")
            try await client.create(path)
            let error = await #expect(throws: ZooKeeperError.self) { try await client.setACL([entry], of: path) }
            #expect(error?.code == .invalidACL)
            #expect(error?.detail.contains("NUL") == true)
            await expect(.invalidACL) { try await client.create(NodePath("/other"), acl: [entry]) }
            #expect(try await client.acl(of: path).acl == [.open])
        }
    }

    /// The server would drop the connection, and again with each repetition.
    @Test func rightsThatDoNotFitIntoAPacket() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/acl")
            let session = client.sessionID
            let entry = ACL(.all, scheme: "digest", id: String(repeating: "x", count: 1000))
            let list = [ACL](repeating: entry, count: 1100)
            await expect(.dataTooLarge) { try await client.create(path, acl: list) }
            try await client.create(path)
            await expect(.dataTooLarge) { try await client.setACL(list, of: path) }
            let half = [UInt8](repeating: 0, count: 600_000)
            await expect(.dataTooLarge) {
                try await client.create(NodePath("/b"), data: half, acl: Array(list[..<500]))
            }
            var transaction = Transaction()
            transaction.create(try NodePath("/b"), acl: list)
            await expect(.dataTooLarge) { try await client.commit(transaction) }
            #expect(client.state == .connected)
            #expect(client.sessionID == session)
        }
    }

    @Test func credentials() async throws {
        try await SharedServer.withClient { client in
            for scheme in ["", "dig\u{0}est"] {
                await expect(.invalidArgument) { try await client.authenticate(Credential(scheme: scheme, data: [])) }
            }
            await expect(.dataTooLarge) {
                try await client.authenticate(
                    Credential(scheme: "digest", data: [UInt8](repeating: 1, count: 70_000)))
            }
            try await client.authenticate(Credential(scheme: "digest", data: [0, 0, 1]))
            _ = try await client.children(.root)
        }
    }

    // MARK: Transactions

    @Test func transactions() async throws {
        try await SharedServer.withClient { client in
            #expect(try await client.commit(Transaction()) == [])
            var large = Transaction()
            for number in 0..<3 {
                large.create(try NodePath("/n\(number)"), data: [UInt8](repeating: 0, count: 400_000))
            }
            await expect(.dataTooLarge) { try await client.commit(large) }

            var many = Transaction()
            for number in 0..<1000 { many.create(try NodePath("/m\(number)")) }
            #expect(try await client.commit(many).count == 1000)

            var bad = Transaction()
            bad.create(try NodePath("/ok"))
            bad.create(try NodePath("/no"), acl: [])
            let error = await #expect(throws: ZooKeeperError.self) { try await client.commit(bad) }
            #expect(error?.code == .invalidACL)
            #expect(error?.failedOperation == 1)
            #expect(error?.path?.string == "/no")

            var root = Transaction()
            root.delete(.root)
            await expect(.invalidArgument) { try await client.commit(root) }
            #expect(try await client.exists(NodePath("/ok")) == nil)
        }
    }
}

extension Transaction.Result {
    fileprivate var createdPath: NodePath? { if case .created(let path) = self { path } else { nil } }
}
