import ToolArguments
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperTestKit

/// Cuts the follower of one worker off from the other members while that worker holds the lock, looks on at the leader how
/// the lock is given away, and makes the ensemble whole again.
///
/// The follower does not know that it is cut off: it answers the holder's reads and pings all the while. Only the holder's
/// own lease tells it to stop.
struct Partition: Sendable {
    let partitionable: PartitionableEnsemble
    /// The member that is cut off.
    let follower: TestServer
    let plan: Plan
    let client: WorkerClient
    let report: @Sendable (EnsembleEvent) -> Void
    /// The turn's beginning and end; `nil` when there is none.
    private let acquired = Promise<Event?>()
    private let ended = Promise<Event?>()

    /// The shortest is four ticks: the shortest for which a lease can promise anything. The longest ends well before a
    /// follower and its leader give each other up.
    static let sessionTimeouts = Duration.seconds(2) ... .seconds(5)

    /// How long the cut-off holder goes on, and how long it may take until the lock is given away, before the run is taken
    /// for one that failed.
    static let patience = Duration.seconds(30)

    static var configuration: TestEnsemble.Configuration {
        var configuration = TestEnsemble.Configuration()
        configuration.tickTime = .milliseconds(500)
        // Ten seconds in which the follower goes on answering reads as if nothing had happened.
        configuration.syncLimit = 20
        return configuration
    }

    /// - Parameter client: how the workers connect, whatever its servers are.
    /// - Throws: `TestKitError` when the ensemble has no leader; `CancellationError`.
    init(
        _ partitionable: PartitionableEnsemble,
        _ plan: Plan,
        _ client: WorkerClient,
        report: @escaping @Sendable (EnsembleEvent) -> Void
    ) async throws {
        // A quorum of three has one.
        follower = try await partitionable.ensemble.followers()[0]
        self.partitionable = partitionable
        self.plan = plan
        self.client = client
        self.report = report
    }

    /// How each worker connects: one to the follower alone, so that it stays there; the others to the other members.
    var clients: [WorkerClient] {
        let others = partitionable.ensemble.members.filter { $0 !== follower }.map(\.connectString)
        return (1...plan.workers).map { worker in
            client.connecting(to: worker == Plan.cutOffWorker ? follower.connectString : others.joined(separator: ","))
        }
    }

    /// Takes in what a worker did.
    func note(_ event: Event) {
        guard event.worker == Plan.cutOffWorker, event.round == plan.partitionRound else { return }
        switch event.kind {
        case .acquired: acquired.resolve(event)
        case .released, .lost, .cancelled: ended.resolve(event)
        case .queued, .crashed, .failed: break
        }
    }

    /// The workers do nothing more.
    func workersAreDone() {
        acquired.resolve(nil)
        ended.resolve(nil)
    }

    /// Waits for the turn, and cuts its holder off; returns when the ensemble is whole again, or when the worker ends before.
    /// What goes wrong is told as an event.
    func run() async {
        guard let event = await acquired.valueUnlessCancelled() ?? nil, let place = event.place else { return }
        do {
            let leader = try await partitionable.ensemble.leader()
            guard leader !== follower else {
                return tell(.memberFailed("it leads by now: nothing was cut off"), of: follower)
            }
            try await ZooKeeperClient.with(observer(of: leader)) { observer in
                let (_, _, watch) = try await observer.getAndWatch(NodePath(place.node))
                // In the middle of what it does under the lock.
                try await Task.sleep(until: event.instant + plan.hold, clock: .continuous)
                guard ended.current == nil else { return }
                await cutOff(place, leader, watch)
            }
        } catch {
            fail(error)
        }
    }

    private func cutOff(_ place: Place, _ leader: TestServer, _ watch: Watch) async {
        await partitionable.isolate(follower)
        tell(.followerCutOff, of: follower)
        do {
            guard let givenAway = try await instant(of: watch) else {
                throw ZooKeeperError(
                    .requestTimedOut, operation: "watch", path: watch.path,
                    detail: "the leader did not delete it within \(Self.patience.brief) after the cut")
            }
            if let event = await ended.valueUnlessCancelled() ?? nil, case .cancelled(_, let held) = event.kind {
                let cancellation = Cancellation(
                    worker: event.worker,
                    round: event.round,
                    place: place,
                    held: held,
                    stopped: event.instant
                )
                tell(.gaveAway(cancellation), of: leader, at: givenAway)
            }
        } catch {
            fail(error)
        }
        // Also in a cancelled task: a client whose member is cut off would take seconds to close.
        await partitionable.heal()
        tell(.partitionHealed, of: follower)
    }

    private func observer(of leader: TestServer) -> ZooKeeperClient.Configuration {
        var observer = client.connecting(to: leader.connectString)
        // A busy machine is not to end it while it looks on.
        observer.sessionTimeout = Servers.ensemble.sessionTimeout
        return observer.configuration
    }

    /// When the leader deleted the node, as a client of its own saw it; `nil` when it does not.
    private func instant(of watch: Watch) async throws -> ContinuousClock.Instant? {
        try await withThrowingTaskGroup(of: ContinuousClock.Instant?.self) { group in
            group.addTask {
                _ = try await watch.event()
                return ContinuousClock.now
            }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func fail(_ error: any Error) {
        guard !Task.isCancelled else { return }
        tell(.memberFailed("\(error)"), of: follower)
    }

    private func tell(_ kind: EnsembleEvent.Kind, of member: TestServer, at instant: ContinuousClock.Instant = .now) {
        report(EnsembleEvent(member: member.memberNumber ?? 0, instant: instant, kind: kind))
    }
}
