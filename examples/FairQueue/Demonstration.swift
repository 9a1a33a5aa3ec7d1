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
            let clients = try await how.connect(plan.workers - (plan.crashRound == nil ? 0 : 1))
            do {
                // What the servers made of the timeout that was asked for.
                let agreed = clients.map(\.sessionTimeout).max() ?? sessionTimeout
                let start = Message.Start(instant: .now, recoveryBound: agreed + servers.tickTime + .seconds(1))
                feed.yield(.stage(.running(start)))
                try await work(clients, how, servers.ensemble)
            } catch {
                await WorkerClient.close(clients)
                throw error
            }
            await WorkerClient.close(clients)
        }
    }

    private func work(_ clients: [ZooKeeperClient], _ how: WorkerClient, _ ensemble: TestEnsemble?) async throws {
        let locks = try clients.map { try $0.lock(plan.path) }
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
        let numbers = (1...plan.workers).filter { plan.crashRound == nil || $0 != Plan.crashingWorker }
        await withTaskGroup { group in
            if let crashRound = plan.crashRound {
                let process = WorkerProcess(
                    assignment: Assignment(
                        worker: worker(Plan.crashingWorker, crashRound: crashRound),
                        client: how,
                        path: plan.path
                    )
                )
                let (entered, entry) = AsyncStream.makeStream(of: Never.self)
                group.addTask { await process.run(report: report, onQueued: { entry.finish() }) }
                for await _ in entered {}
            }
            for (number, lock) in zip(numbers, locks) {
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
            crashRound: crashRound
        )
    }
}
