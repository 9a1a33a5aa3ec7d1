import TestSupport
import Testing
import ZooKeeper

@Suite(.timeLimit(.minutes(5))) struct ClientRightsTests {
    @Test func accessRightsAreReadAndReplaced() async throws {
        try await SharedServer.withClient { client in
            let path = try NodePath("/a")
            try await client.create(path)
            let (acl, stat) = try await client.acl(of: path)
            #expect(acl == [.open])
            #expect(stat.aversion == 0)
            try await client.setACL(
                [.readable, ACL([.admin, .delete], scheme: "world", id: "anyone")], of: path, version: 0)
            #expect(try await client.acl(of: path).stat.aversion == 1)
            await expect(.notAuthorized) { try await client.set(path, data: []) }
            await expect(.badVersion) { try await client.setACL([.open], of: path, version: 0) }
            await expect(.invalidACL) { try await client.setACL([], of: path) }
            await expect(.noNode) { try await client.acl(of: NodePath("/nothing")) }
        }
    }

    @Test func aNameAndAPasswordOpenWhatTheyClosed() async throws {
        try await SharedServer.withRoot { configuration in
            var ours = configuration
            ours.credentials = [.digest(user: "ann", password: "secret")]
            let path = try NodePath("/private")
            let server = try await SharedServer.server.value
            ours.sessionTimeout = .seconds(4)
            let client = try await ZooKeeperClient.connect(ours)
            try await client.create(path, data: [1], acl: [.creator])
            #expect(try await client.acl(of: path).acl.first?.scheme == "digest")

            let other = try await ZooKeeperClient.connect(configuration.with(sessionTimeout: .seconds(4)))
            await expect(.notAuthorized) { try await other.get(path) }
            try await other.authenticate(.digest(user: "ann", password: "wrong"))
            await expect(.notAuthorized) { try await other.get(path) }
            try await other.authenticate(.digest(user: "ann", password: "secret"))
            #expect(try await other.get(path).data == [1])

            // Both ways are remembered for the next session, ahead of the first request there.
            for each in [client, other] {
                let states = each.states
                try await server.expireSession(of: each)
                _ = await first(of: states) { $0 == .expired }
                #expect(try await each.get(path).data == [1])
            }
            await client.close()
            await other.close()
        }
    }

    @Test func aSchemeThatTheServerDoesNotKnowIsAnErrorAndTheClientGoesOn() async throws {
        try await SharedServer.withRoot { configuration in
            let client = try await ZooKeeperClient.connect(configuration)
            await expect(.authenticationFailed) {
                try await client.authenticate(Credential(scheme: "nonsense", data: [1]))
            }
            #expect(try await client.children(.root) == [])
            await client.close()

            var wrong = configuration
            wrong.credentials = [Credential(scheme: "nonsense", data: [1])]
            await expect(.authenticationFailed) { try await ZooKeeperClient.connect(wrong) }
        }
    }

    @Test func childrenComeWithTheStat() async throws {
        try await SharedServer.withClient { client in
            try await client.create(NodePath("/a"))
            try await client.create(NodePath("/a/b"))
            let (names, stat) = try await client.childrenAndStat(NodePath("/a"))
            #expect(names == ["b"])
            #expect(stat.numChildren == 1)
            try await client.sync()
            await expect(.invalidArgument) { try await client.authenticate(Credential(scheme: "", data: [])) }
        }
    }
}
