import NIOCore
public import ZooKeeperTestKit

/// A quorum of real servers whose members speak to each other through proxies, so that it can be partitioned.
///
/// ```swift
/// try await PartitionableEnsemble.with { partitionable in
///     let follower = try await partitionable.ensemble.followers()[0]
///     // connect to follower.connectString
///     await partitionable.isolate(follower)
///     // the follower goes on answering reads, for up to `syncLimit` ticks
///     await partitionable.heal()
/// }
/// ```
///
/// Clients connect to the members themselves, so a member that is cut off from its peers still serves its clients; a
/// ``FaultProxy`` in front of it is for faults on that side.
///
/// All methods may be called from any task; each returns when the links are as they were told to be.
public final class PartitionableEnsemble: Sendable {
    /// The servers. Each can be killed, paused and restarted as those of any test ensemble.
    public let ensemble: TestEnsemble
    private let links: PeerLinks

    private init(_ ensemble: TestEnsemble, _ links: PeerLinks) {
        self.ensemble = ensemble
        self.links = links
    }

    /// Runs `body` with an ensemble all of whose members serve, and reach each other.
    ///
    /// When this returns, by whatever way, all servers have ended, their directories are gone and the proxies are closed.
    ///
    /// - Parameters:
    ///   - size: How many members there are, 2 to 9.
    ///   - configuration: How they are set up. How long a member that is cut off goes on as if nothing had happened depends on
    ///     its `syncLimit` and `tickTime`.
    ///   - seed: Of the jitter of delays.
    ///   - isolation: The actor on which `body` runs.
    ///   - body: What to do with the ensemble. Do not use it or its members afterwards.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; `TestKitError` and `CancellationError` as `TestEnsemble.with` does.
    public static func with<R>(
        _ size: Int = 3,
        configuration: TestEnsemble.Configuration = .init(),
        seed: UInt64 = 0,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PartitionableEnsemble) async throws -> sending R
    ) async throws -> sending R {
        // Before there is a proxy for each pair of them.
        try configuration.validate(size: size)
        return try await ProxyThread.with { eventLoop in
            let links = try await PeerLinks(members: size, seed: seed, on: eventLoop)
            let result: R
            do {
                result = try await TestEnsemble.with(size, configuration: configuration, route: links.route) {
                    ensemble in
                    try await body(PartitionableEnsemble(ensemble, links))
                }
            } catch {
                await links.close()
                throw error
            }
            await links.close()
            return result
        }
    }

    /// Cuts a member off from all others, both ways: nothing arrives, and nobody is told that a connection is gone. Packets that
    /// are lost so are delivered after ``heal()``, as TCP would repeat them.
    public func isolate(_ member: TestServer) async {
        for peer in ensemble.members where peer !== member {
            await freeze(from: member, to: peer)
            await freeze(from: peer, to: member)
        }
    }

    /// Lets nothing arrive at `receiver` that `sender` sends it.
    public func freeze(from sender: TestServer, to receiver: TestServer) async {
        await links.change(from: sender.memberNumber, to: receiver.memberNumber) { await $0.freeze($1) }
    }

    /// Delays everything that `sender` sends to `receiver`: from the leader to a follower its pings, with all else that it sends
    /// there; from a follower to the leader the news of the sessions that it has heard from. Zero ends that.
    ///
    /// - Parameters:
    ///   - delay: How late everything is.
    ///   - jitter: Up to so much is added, by chance.
    ///   - sender: Whose packets they are.
    ///   - receiver: Who gets them late.
    public func delay(
        _ delay: Duration, jitter: Duration = .zero, from sender: TestServer, to receiver: TestServer
    ) async {
        await links.change(from: sender.memberNumber, to: receiver.memberNumber) {
            await $0.delay(delay, jitter: jitter, $1)
        }
    }

    /// Closes all connections between two members now; they connect again. Returns when they are closed.
    public func cut(between member: TestServer, and peer: TestServer) async {
        await links.change(from: member.memberNumber, to: peer.memberNumber) { proxy, _ in await proxy.cut() }
    }

    /// How many connections for elections are open between the members now, through the proxies.
    var openElectionConnections: Int { links.openElectionConnections }

    /// Ends all faults: every member reaches every other one at once.
    public func heal() async {
        await links.pass()
    }
}
