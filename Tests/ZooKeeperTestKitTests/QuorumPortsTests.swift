import Testing

@testable import ZooKeeperTestKit

@Suite struct QuorumPortsTests {
    @Test func `Each member is told of all, at ports of their own`() throws {
        var configuration = TestEnsemble.Configuration()
        configuration.initLimit = 7
        configuration.syncLimit = 3
        let ports = try QuorumPorts(members: 3) { _, _, direct in direct }
        let memberships = (1...3).map { ports.membership(of: $0, configuration) }
        #expect(memberships.map(\.number) == [1, 2, 3])
        for membership in memberships {
            #expect(Set(membership.settings.keys) == ["initLimit", "syncLimit", "server.1", "server.2", "server.3"])
            #expect(membership.settings["initLimit"] == "7")
            #expect(membership.settings["syncLimit"] == "3")
            #expect(membership.settings == memberships[0].settings)
        }
        let addresses = (1...3).map { ports.address(from: $0, to: $0) }
        #expect(Set(addresses.flatMap { [$0.quorumPort, $0.electionPort] }).count == 6)
        #expect(PortReservation(port: addresses[2].electionPort) == nil)
    }

    @Test func `A route leads to the others, never to oneself`() throws {
        let ports = try QuorumPorts(members: 3) { from, to, _ in
            QuorumAddress(quorumPort: 1000 + from * 10 + to, electionPort: 2000 + from * 10 + to)
        }
        let second = ports.membership(of: 2, .init()).settings
        #expect(second["server.1"] == "127.0.0.1:1021:2021")
        #expect(second["server.2"] == ports.address(from: 2, to: 2).description)
        #expect(second["server.3"] == "127.0.0.1:1023:2023")
        #expect(ports.address(from: 2, to: 2).quorumPort > 9999)
    }

    @Test func `The settings have the quorum, and additional settings win`() throws {
        let ports = try QuorumPorts(members: 2) { _, _, direct in direct }
        var configuration = TestServer.Configuration()
        configuration.additionalSettings = ["syncLimit": "99"]
        let text = ServerSettings(
            configuration,
            ports.membership(of: 1, .init()),
            port: 12345,
            dataDirectory: "/d/data"
        ).text
        #expect(text.contains("server.1=\(ports.address(from: 1, to: 1))\n"))
        #expect(text.contains("server.2=\(ports.address(from: 1, to: 2))\n"))
        #expect(text.contains("initLimit=20\n"))
        #expect(text.contains("syncLimit=99\n"))
        #expect(!text.contains("syncLimit=10\n"))
    }

    @Test(arguments: [0, -1, 10_001]) func `A limit that the server cannot use is refused`(limit: Int) {
        var configuration = TestEnsemble.Configuration()
        configuration.syncLimit = limit
        #expect(throws: TestKitError.self) { try configuration.validate(size: 3) }
    }
}
