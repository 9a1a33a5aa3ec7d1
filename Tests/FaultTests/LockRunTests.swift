import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// The lock under faults, judged by its history.
    @Suite struct LockRuns {
        @Test(.enabled(if: !Sanitizer.isOn, "with a sanitizer connecting takes longer than the links live"))
        func `Contenders whose links are cut every 200 ms keep to all rules`() async throws {
            let (workers, rounds) = (8, 8)
            let recorder = LockHistory.Recorder()
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                        let path = try NodePath("/lock")
                        try await direct.ensureExists(path)
                        let observing = Task { try await recorder.observe(path, through: direct) }
                        var clients: [ZooKeeperClient] = []
                        for _ in 1...workers {
                            clients.append(try await .connect(.quiet(proxy.connectString)))
                        }
                        let cutting = Task {
                            while !Task.isCancelled {
                                try await Task.sleep(for: .milliseconds(200))
                                await proxy.cut()
                            }
                        }
                        try await timing("\(workers * rounds) grants, all links cut every 200 ms") {
                            try await withThrowingTaskGroup { group in
                                for (index, client) in clients.enumerated() {
                                    group.addTask { try await work(index + 1, rounds, path, client, recorder) }
                                }
                                try await group.waitForAll()
                            }
                        }
                        cutting.cancel()
                        _ = await cutting.result
                        // What was released without a connection is removed in the background, if the client lives.
                        for try await names in direct.childrenChanges(of: path) where names.isEmpty { break }
                        // The observer is told of the last one as this test is, but not in the same moment.
                        while recorder.nodesInSight > 0 { try await Task.sleep(for: .milliseconds(5)) }
                        observing.cancel()
                        _ = await observing.result
                        for client in clients { await client.close() }
                        print("Connected \(proxy.counters.connections) times")
                        #expect(proxy.counters.connections > workers)
                    }
                }
            }
            let verdict = HistoryChecker().verdict(on: recorder.history)
            print(verdict)
            #expect(verdict.isClean)
            #expect(verdict.grants == workers * rounds)
        }

        private func work(
            _ worker: Int, _ rounds: Int, _ path: NodePath, _ client: ZooKeeperClient, _ recorder: LockHistory.Recorder
        ) async throws {
            let lock = try client.lock(path.string)
            for round in 1...rounds {
                let contender = LockHistory.Contender("worker \(worker), round \(round)")
                recorder.record(.asked(contender))
                let lease = try await lock.acquire(
                    timeout: .seconds(60),
                    onPosition: {
                        recorder.record(.entered(contender, node: $0.node, czxid: $0.fencingToken.rawValue))
                    })
                recorder.record(.granted(contender, token: lease.fencingToken, validUntil: lease.validUntil))
                recorder.record(.write(token: lease.fencingToken, accepted: true))
                try await Task.sleep(for: .milliseconds(20))
                recorder.record(.renewed(contender, validUntil: lease.validUntil))
                recorder.record(.bodyEnded(contender))
                recorder.record(.released(contender))
                await lease.release()
            }
        }
    }
}

extension LockHistory.Recorder {
    /// How many nodes were seen to come and not to go.
    fileprivate var nodesInSight: Int {
        history.events.reduce(0) { count, event in
            switch event.kind {
            case .nodeCreated: count + 1
            case .nodeDeleted: count - 1
            default: count
            }
        }
    }
}
