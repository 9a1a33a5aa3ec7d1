import TestSupport
import Testing
import ZooKeeper

@Suite(.timeLimit(.minutes(5))) struct ClientNodeTests {
    @Test func createGivesThePathAndTheStat() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/a")
            let (created, stat) = try await client.create(path, data: [1, 2, 3])
            #expect(created == path)
            #expect(stat.czxid > 0)
            #expect(stat.dataLength == 3)
            let read = try await client.get(path)
            #expect(read.data == [1, 2, 3])
            #expect(read.stat == stat)
        }
    }

    @Test(arguments: [
        CreateMode.persistent, .persistentSequential, .ephemeral, .ephemeralSequential, .container,
        .persistentWithTTL(.seconds(60)), .persistentSequentialWithTTL(.seconds(60)),
    ])
    func everyModeOfCreate(mode: CreateMode) async throws {
        try await SharedServer.withClient { client in
            let (path, stat) = try await client.create(NodePath("/n"), mode: mode)
            #expect(path.string == (mode.isSequential ? "/n0000000000" : "/n"))
            #expect(stat.czxid > 0)
            let exists = try #require(try await client.exists(path))
            #expect(exists.czxid == stat.czxid)
            if mode.isEphemeral { #expect(exists.ephemeralOwner == client.sessionID) }
        }
    }

    @Test func emptyDataAndZeroBytesComeBackAsTheyWere() async throws {
        try await SharedServer.withClient { client in
            for (index, data) in [[], [0], [0, 1, 0], [UInt8](repeating: 7, count: 900_000)].enumerated() {
                let path = try NodePath("/d\(index)")
                try await client.create(path, data: data)
                #expect(try await client.get(path).data == data)
            }
        }
    }

    @Test func setChecksTheVersion() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/v")
            try await client.create(path)
            #expect(try await client.set(path, data: [1]).version == 1)
            #expect(try await client.set(path, data: [2], version: 1).version == 2)
            await expect(.badVersion) { try await client.set(path, data: [3], version: 1) }
            await expect(.badVersion) { try await client.delete(path, version: 1) }
            try await client.delete(path, version: 2)
            #expect(try await client.exists(path) == nil)
        }
    }

    @Test func errorsNameTheOperationAndThePath() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/nothing")
            let error = await #expect(throws: ZooKeeperError.self) { try await client.get(path) }
            #expect(error?.code == .noNode)
            #expect(error?.operation == "get")
            #expect(error?.path == path)
            #expect(error?.outcomeIsUnknown == false)
            #expect(error?.isRetriable == false)
            await expect(.noNode) { try await client.children(path) }
            await expect(.noNode) { try await client.delete(path) }
            await expect(.noNode) { try await client.create(NodePath("/nothing/below")) }
        }
    }

    @Test func theServersOtherRefusals() async throws {
        try await SharedServer.withClient { client in
            let parent = try NodePath("/p")
            try await client.create(parent)
            await expect(.nodeExists) { try await client.create(parent) }
            try await client.create(NodePath("/p/child"))
            await expect(.notEmpty) { try await client.delete(parent) }
            try await client.create(NodePath("/e"), mode: .ephemeral)
            await expect(.noChildrenForEphemerals) {
                try await client.create(NodePath("/e/child"))
            }
            try await client.create(NodePath("/readable"), acl: [.readable])
            await expect(.notAuthorized) {
                try await client.set(NodePath("/readable"), data: [])
            }
            await expect(.invalidACL) {
                try await client.create(NodePath("/acl"), acl: [ACL(.all, scheme: "nonsense", id: "x")])
            }
        }
    }

    @Test func whatIsRefusedBeforeItIsSentLeavesTheClientUsable() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/x")
            await expect(.dataTooLarge) {
                try await client.create(path, data: [UInt8](repeating: 0, count: 1_100_000))
            }
            await expect(.invalidACL) { try await client.create(path, acl: []) }
            await expect(.invalidArgument) {
                try await client.create(path, mode: .persistentWithTTL(.zero))
            }
            await expect(.invalidArgument) { try await client.delete(.root) }
            try await client.create(path)
        }
    }

    @Test func childrenAndParents() async throws {
        try await SharedServer.withClient { client in
            try await client.ensureExists(NodePath("/a/b/c"))
            try await client.ensureExists(NodePath("/a/b/c"))
            try await client.ensureExists(NodePath("/a/b/d"))
            #expect(Set(try await client.children(NodePath("/a/b"))) == ["c", "d"])
            #expect(try await client.children(.root) == ["a"])
        }
    }

    @Test func aTransactionIsAllOrNothing() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/t")
            try await client.create(path)
            var transaction = Transaction()
            transaction.check(path, version: 0)
            transaction.set(path, data: [1])
            transaction.create(try path.appending("n-"), data: [2], mode: .persistentSequential)
            transaction.create(try NodePath("/gone"))
            transaction.delete(try NodePath("/gone"))
            let results = try await client.commit(transaction)
            #expect(results.count == 5)
            #expect(results[0] == .checked)
            if case .set(let stat) = results[1] { #expect(stat.version == 1) } else { Issue.record("\(results[1])") }
            #expect(results[2] == .created(try NodePath("/t/n-0000000000")))
            #expect(results[4] == .deleted)

            var failing = Transaction()
            failing.set(path, data: [9])
            failing.delete(try NodePath("/nothing"))
            failing.set(path, data: [10])
            let error = await #expect(throws: ZooKeeperError.self) { try await client.commit(failing) }
            #expect(error?.code == .noNode)
            #expect(error?.failedOperation == 1)
            #expect(error?.path == (try NodePath("/nothing")))
            #expect(try await client.get(path).data == [1])
            #expect(try await client.commit(Transaction()).isEmpty)
        }
    }
}
