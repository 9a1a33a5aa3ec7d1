import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Runs the workers, from the start of the servers to their end.
struct Demonstration: Sendable {
    var plan: Plan
    var servers: Servers
    var sessionTimeout: Duration
    var isQuiet: Bool
    var feed: AsyncStream<Message>.Continuation

    /// Returns when all workers are done, or have stopped because the task was cancelled, and everything that was
    /// started has ended.
    ///
    /// - Throws: when the workers could not begin. What goes wrong with one of them later is told as an event.
    func run() async throws {
        if servers.ownCount > 0 { feed.yield(.stage(.startingServers(servers.ownCount))) }
        try await servers.with { servers in
            feed.yield(.stage(.connecting))
            let how = WorkerClient(
                connectString: servers.connectString,
                sessionTimeout: sessionTimeout,
                isQuiet: isQuiet
            )
            let partition = try await partition(of: servers, how)
            let ways = partition?.clients ?? Array(repeating: how, count: numbers.count)
            let clients = try await WorkerClient.connect(ways)
            do {
                // What the servers made of the timeout that was asked for.
                let agreed = clients.map(\.sessionTimeout).max() ?? sessionTimeout
                let start = Message.Start(instant: .now, recoveryBound: agreed + servers.tickTime + .seconds(1))
                feed.yield(.stage(.running(start)))
                try await work(clients, how, servers.ensemble, partition)
            } catch {
                await WorkerClient.close(clients)
                throw error
            }
            await WorkerClient.close(clients)
        }
    }

    /// The workers of this process.
    private var numbers: [Int] {
        (1...plan.workers).filter { plan.crashRound == nil || $0 != Plan.crashingWorker }
    }

    private func partition(of servers: Servers.Running, _ how: WorkerClient) async throws -> Partition? {
        guard plan.partitionRound != nil, let partitionable = servers.partitionable else { return nil }
        return try await Partition(partitionable, plan, how) { [feed] event in feed.yield(.ensemble(event)) }
    }

    private func work(
        _ clients: [ZooKeeperClient],
        _ how: WorkerClient,
        _ ensemble: TestEnsemble?,
        _ partition: Partition?
    ) async throws {
        let locks = try clients.map { try $0.lock(plan.path) }
        if let partition {
            async let ensembleIsWhole: Void = partition.run()
            await takeTurns(locks, how) { [feed] event in
                feed.yield(.event(event))
                partition.note(event)
            }
            partition.workersAreDone()
            return await ensembleIsWhole
        }
        guard let leaderKillTurn = plan.leaderKillTurn, let ensemble else {
            return await takeTurns(locks, how) { [feed] event in feed.yield(.event(event)) }
        }
        let (turns, turn) = AsyncStream.makeStream(of: Void.self)
        let kill = LeaderKill(ensemble: ensemble) { [feed] event in feed.yield(.ensemble(event)) }
        async let ensembleIsWhole: Void = kill.run(atTurn: leaderKillTurn, of: turns)
        await takeTurns(locks, how) { [feed] event in
            feed.yield(.event(event))
            if case .acquired = event.kind { turn.yield() }
        }
        turn.finish()
        await ensembleIsWhole
    }

    private func takeTurns(
        _ locks: [DistributedLock],
        _ how: WorkerClient,
        report: @escaping @Sendable (Event) -> Void
    ) async {
        await withTaskGroup { group in
            var others = Array(zip(numbers, locks))
            let (entered, entry) = AsyncStream.makeStream(of: Never.self)
            if let crashRound = plan.crashRound {
                let process = WorkerProcess(
                    assignment: Assignment(
                        worker: worker(Plan.crashingWorker, crashRound: crashRound),
                        client: how,
                        path: plan.path
                    )
                )
                group.addTask { await process.run(report: report, onQueued: { entry.finish() }) }
                for await _ in entered {}
            } else if plan.partitionRound != nil, let (number, lock) = others.first {
                others.removeFirst()
                group.addTask {
                    defer { entry.finish() }
                    await worker(number).run(lock) { event in
                        report(event)
                        entry.finish()
                    }
                }
                for await _ in entered {}
            }
            for (number, lock) in others {
                group.addTask { await worker(number).run(lock, report: report) }
            }
        }
    }

    private func worker(_ number: Int, crashRound: Int? = nil) -> Worker {
        Worker(
            number: number,
            rounds: plan.rounds,
            hold: plan.hold,
            patience: plan.patience,
            crashRound: crashRound,
            cutOffRound: number == Plan.cutOffWorker ? plan.partitionRound : nil
        )
    }
}
