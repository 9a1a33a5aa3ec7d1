import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

/// The body of `withLock` runs where its caller does. This target is built with the language mode alone, as most users' are.
@Suite(.timeLimit(.minutes(5))) struct WithLockIsolationTests {
    /// Not `Sendable`.
    final class Ledger { var entries = 0 }

    actor Shop {
        var stock = 3
        let ledger = Ledger()
        let lock: DistributedLock

        init(_ client: ZooKeeperClient) throws {
            lock = try client.lock("/shop/sku-1")
        }

        var entries: Int { ledger.entries }

        func sell() async throws -> Int {
            try await lock.withLock(timeout: .seconds(60)) { lease in
                self.assertIsolated()
                try lease.checkHeld()
                await Task.yield()
                self.assertIsolated()
                stock -= 1
                ledger.entries += 1
                return stock
            }
        }

        func sellIfFree() async throws -> Bool {
            try await lock.withLockIfAvailable { _ in
                self.assertIsolated()
                stock -= 1
            } != nil
        }
    }

    @Test func anActorsStateMayBeChanged() async throws {
        try await SharedServer.withClient { client in
            let shop = try Shop(client)
            async let first = shop.sell()
            async let second = shop.sell()
            let left = try await [first, second].sorted()
            #expect(left == [1, 2])
            #expect(try await shop.sellIfFree())
            #expect(await shop.stock == 0)
            #expect(await shop.entries == 2)
        }
    }

    @MainActor @Test func theMainActorsStateMayBeChanged() async throws {
        let ledger = Ledger()
        try await SharedServer.withClient { client in
            try await client.lock("/lock").withLock { _ in
                MainActor.assertIsolated()
                await Task.yield()
                MainActor.assertIsolated()
                ledger.entries += 1
            }
        }
        #expect(ledger.entries == 1)
    }

    @Test func capturedVariablesAndResultsThatAreNotSendable() async throws {
        try await SharedServer.withClient { client in
            var total = 0
            let ledger = Ledger()
            let result = try await client.lock("/lock").withLock { lease in
                total += 1
                ledger.entries += 1
                let new = Ledger()
                new.entries = Int(lease.fencingToken.rawValue)
                return new
            }
            #expect(total == 1)
            #expect(ledger.entries == 1)
            #expect(result.entries > 0)
        }
    }

    @Test nonisolated func fromNowhereInParticular() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            async let first: Int = lock.withLock { _ in 1 }
            async let second: Int = lock.withLock { _ in 2 }
            #expect(try await first + second == 3)
        }
    }

    @Test func aCancelledCallerCancelsTheBodyAndReleases() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let caller = Task {
                try await lock.withLock { _ in
                    signal.yield()
                    try await Task.sleep(for: .seconds(60))
                }
            }
            for await _ in started { break }
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
            try await expectNobodyLeft(at: lock.path, client)
        }
    }

    @Test func aCancelledCallerMayStillGetAResult() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let caller = Task {
                try await lock.withLock { _ in
                    signal.yield()
                    try? await Task.sleep(for: .seconds(60))
                    return Task.isCancelled
                }
            }
            for await _ in started { break }
            caller.cancel()
            #expect(try await caller.value)
            try await expectNobodyLeft(at: lock.path, client)
        }
    }

    @Test func aCallerThatIsCancelledAlreadyDoesNotRunTheBody() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let caller = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await lock.withLock { _ in Issue.record("ran") }
            }
            await #expect(throws: LockError.cancelled(lock.path)) { try await caller.value }
        }
    }
}
