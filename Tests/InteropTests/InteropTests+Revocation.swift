import Testing
import ZooKeeper
import ZooKeeperLocks

/// Asking somebody who uses another library to give up its lock, and being asked.
extension InteropTests {
    @Test func revocableLockOfCuratorHearsOurRequest() async throws {
        let run = try PairingRun(.alone(.curatorRevocable, number: 0))
        let result = try await run.run(contenders: 1, cycles: 1, hold: "-") { crew, client in
            let lock = try DistributedLock(run.path, client: client)
            try await crew.await("ready", of: [0])
            crew.tell(0)
            try await crew.await("holding", of: [0])
            let holder = try await lock.revoke(reason: "deploying")
            #expect(holder?.naming == .curator)
            crew.tell(0)
            // It ends only when it has been asked.
            try await crew.await("done", of: [0])
            return nil
        }
        #expect(result.leftBehind == [])
    }

    @Test func ourLeaseHearsTheRequestOfCurator() async throws {
        let run = try PairingRun(.alone(.curatorRevoker, number: 1))
        _ = try await run.run(contenders: 1, cycles: 1, hold: "-") { crew, client in
            let lease = try await DistributedLock(run.path, client: client).acquire()
            var events = lease.events.makeAsyncIterator()
            try await crew.await("ready", of: [0])
            crew.tell(0)
            #expect(await events.next() == .revocationRequested(RevocationRequest()))
            try await crew.await("done", of: [0])
            await lease.release()
            return nil
        }
    }

    /// Nobody is asked who would not hear it.
    @Test(arguments: zip([Worker.curatorMutex, .goLock, .kazooLock], [2, 3, 4]))
    func othersAreNotRevocable(_ worker: Worker, number: Int) async throws {
        let run = try PairingRun(.alone(worker, number: number))
        _ = try await run.run(contenders: 1, cycles: 1, hold: "-") { crew, client in
            let lock = try DistributedLock(run.path, client: client)
            try await crew.await("ready", of: [0])
            crew.tell(0)
            try await crew.await("holding", of: [0])
            let holder = try #require(try await client.queue(of: run.path).holder)
            let before = try await client.get(holder.node).stat
            let error = await #expect(throws: LockError.self) { try await lock.revoke() }
            if case .notRevocable? = error {} else { Issue.record("\(worker.title): \(error as Any)") }
            #expect(try await client.get(holder.node).stat == before)
            crew.tell(0)
            try await crew.await("done", of: [0])
            return nil
        }
    }
}
