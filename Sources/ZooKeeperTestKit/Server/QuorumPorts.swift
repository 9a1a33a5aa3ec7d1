/// Where one member of an ensemble is reached by the others.
package struct QuorumAddress: Sendable, Equatable, CustomStringConvertible {
    /// Followers connect to the leader here.
    package var quorumPort: Int
    /// Members agree on a leader here.
    package var electionPort: Int

    package init(quorumPort: Int, electionPort: Int) {
        self.quorumPort = quorumPort
        self.electionPort = electionPort
    }

    /// As the server's settings have it.
    package var description: String { "127.0.0.1:\(quorumPort):\(electionPort)" }
}

/// The ports on which the members of an ensemble listen for each other. They are kept while the value lives.
package struct QuorumPorts: Sendable {
    /// Which address a member is told for another one: its own, or that of a proxy in front of it.
    package typealias Route = @Sendable (_ from: Int, _ to: Int, _ direct: QuorumAddress) -> QuorumAddress

    private let reservations: [(quorum: PortReservation, election: PortReservation)]
    private let route: Route

    /// - Throws: `noFreePort`.
    init(members: Int, route: @escaping Route) throws(TestKitError) {
        var reservations: [(PortReservation, PortReservation)] = []
        for _ in 0..<members {
            reservations.append((try .any(), try .any()))
        }
        self.reservations = reservations
        self.route = route
    }

    /// The numbers of the members.
    private var members: ClosedRange<Int> { 1...reservations.count }

    /// Where member `from` finds member `to`.
    func address(from: Int, to: Int) -> QuorumAddress {
        let ports = reservations[to - 1]
        let direct = QuorumAddress(quorumPort: ports.quorum.port, electionPort: ports.election.port)
        // A member listens at the address that it is told for itself.
        return from == to ? direct : route(from, to, direct)
    }

    /// What the member with this number has to know.
    func membership(of member: Int, _ configuration: TestEnsemble.Configuration) -> QuorumMembership {
        var settings = ["initLimit": String(configuration.initLimit), "syncLimit": String(configuration.syncLimit)]
        for other in members {
            settings["server.\(other)"] = address(from: member, to: other).description
        }
        return QuorumMembership(number: member, settings: settings)
    }
}

/// A server's part in an ensemble.
struct QuorumMembership: Sendable, Equatable {
    /// From 1; ZooKeeper calls it `myid`.
    let number: Int
    /// What its settings say on top of those of a server that stands alone.
    let settings: [String: String]
}
