import NIOCore
import ZooKeeperTestKit

/// The proxies between the members of an ensemble: for each member two in front of each other one, that of its quorum port and that
/// of its election port.
final class PeerLinks: Sendable {
    /// Members are known by their numbers, from 1.
    private struct Link: Hashable {
        /// Who connects.
        var from: Int
        /// Who listens.
        var to: Int
    }

    private struct Proxies {
        var quorum: FaultProxy
        var election: FaultProxy

        var both: [FaultProxy] { [quorum, election] }
    }

    private let links: [Link: Proxies]

    /// - Throws: `noFreePort`.
    init(members: Int, seed: UInt64, on eventLoop: any EventLoop) async throws(TestKitError) {
        var links: [Link: Proxies] = [:]
        var seeds = SeededGenerator(seed: seed)
        for from in 1...max(1, members) {
            for to in 1...max(1, members) where to != from {
                let quorum = try await FaultProxy(to: nil, carries: .bytes, seed: seeds.next(), on: eventLoop)
                let election = try await FaultProxy(to: nil, carries: .bytes, seed: seeds.next(), on: eventLoop)
                links[Link(from: from, to: to)] = Proxies(quorum: quorum, election: election)
            }
        }
        self.links = links
    }

    /// Leads the proxies to the members, and the members to the proxies.
    var route: QuorumPorts.Route {
        { [links] from, to, direct in
            guard let proxies = links[Link(from: from, to: to)] else { return direct }
            proxies.quorum.lead(to: .init(host: "127.0.0.1", port: direct.quorumPort))
            let callback = links[Link(from: to, to: from)]?.election.port
            proxies.election.lead(to: .init(host: "127.0.0.1", port: direct.electionPort, callbackPort: callback))
            return QuorumAddress(quorumPort: proxies.quorum.port, electionPort: proxies.election.port)
        }
    }

    /// Changes what `sender` sends to `receiver`, whichever of the two has made the connection.
    func change(
        from sender: Int?, to receiver: Int?, _ change: (FaultProxy, Directions) async -> Void
    ) async {
        guard let sender, let receiver else { return }
        for proxy in links[Link(from: sender, to: receiver)]?.both ?? [] { await change(proxy, .toServer) }
        for proxy in links[Link(from: receiver, to: sender)]?.both ?? [] { await change(proxy, .toClient) }
    }

    /// How many connections for elections are open now, through the proxies.
    var openElectionConnections: Int { links.values.reduce(0) { $0 + $1.election.counters.openConnections } }

    func pass() async {
        for proxies in links.values {
            for proxy in proxies.both { await proxy.pass() }
        }
    }

    func close() async {
        for proxies in links.values {
            for proxy in proxies.both { await proxy.close() }
        }
    }
}
