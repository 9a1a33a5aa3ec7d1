import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

@Suite(.weighty) struct StripedLockTests {
    /// Two keys of one stripe, and one of another.
    private func keys(of lock: StripedLock) -> (one: String, same: String, other: String) {
        let keys = (0..<1000).map { "key-\($0)" }
        let one = keys[0]
        let same = keys.dropFirst().first { lock.stripe(of: $0) == lock.stripe(of: one) }
        let other = keys.first { lock.stripe(of: $0) != lock.stripe(of: one) }
        return (one, same ?? one, other ?? one)
    }

    @Test func keysOfOneStripeExcludeEachOther() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.stripedLock("/deep/orders", stripes: 16)
            let keys = keys(of: lock)
            #expect(Set([keys.one, keys.same, keys.other]).count == 3)
            try await lock.withLock(keys.one) { lease in
                #expect(lease.path == lock.path(of: keys.one))
                #expect(try await lock.tryAcquire([keys.same]) == nil)
                #expect(try await lock.tryAcquire([keys.other, keys.same]) == nil)
                let other: Int? = try await lock.withLockIfAvailable(keys.other) { _ in 7 }
                #expect(other == 7)
            }
            try await lock.withLocks([keys.one, keys.same, keys.other, keys.one]) { lease in
                #expect(lease.guard(Transaction()).count == 2)
                let taken = try await lock.tryAcquire([keys.other])
                #expect(taken == nil)
            }
            for key in [keys.one, keys.other] { try await expectNobodyLeft(at: lock.path(of: key), client) }
            let data = try await client.get(lock.path).data
            #expect(String(decoding: data, as: UTF8.self) == "zookeeper-locks 1\nstripes 16 fnv-1a-64\n")
        }
    }

    @Test func whoNamesAnotherNumberIsRefused() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.stripedLock("/orders", stripes: 16)
            let lease = try await lock.acquire(["a", "b"])
            let other = try client.stripedLock("/orders", stripes: 17)
            let disagreement = LockError.stripesDisagree(
                lock.path, expected: StripeLayout(count: 17), found: StripeLayout(count: 16))
            await #expect(throws: disagreement) { try await other.acquire(["a", "b"]) }
            await #expect(throws: disagreement) { try await other.tryAcquire(["a"]) }
            for number in 0..<17 {
                let path = try NodePath("/orders/stripe-000" + (number < 10 ? "0" : "") + "\(number)")
                guard try await client.exists(path) != nil else { continue }
                let left = try await client.children(path).count
                #expect(left == (path == lock.path(of: "a") || path == lock.path(of: "b") ? 1 : 0))
            }
            await lease.release()
            // A mutex on the same path does not make it forget; and a mutex's path is no striped lock's.
            let mutex = try client.lock("/orders")
            for _ in 0..<3 { try await mutex.withLock { _ in } }
            await #expect(throws: disagreement) { try await other.acquire(["a"]) }
            try await client.lock("/mutex").withLock { _ in }
            let wrong = try client.stripedLock("/mutex", stripes: 4)
            await #expect(throws: LockError.stripesDisagree(wrong.path, expected: wrong.layout, found: nil)) {
                try await wrong.acquire(["a"])
            }
        }
    }

    @Test func transfersInAnyOrderDoNotWaitForEachOther() async throws {
        try await SharedServer.withRoot { configuration in
            let inside = Recorder<Int>()
            try await withThrowingTaskGroup { group in
                for worker in 0..<6 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(worker))
                        let client = try await ZooKeeperClient.connect(configuration)
                        let lock = try client.stripedLock("/accounts", stripes: 8)
                        for _ in 0..<15 {
                            let keys = (0..<3).map { _ in "account-\(random.next() % 40)" }
                            try await lock.withLocks(keys, timeout: .seconds(60)) { _ in _ = inside.append(worker) }
                        }
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.all.count == 90)
        }
    }

    @Test func whatIsRefusedAtOnce() async throws {
        try await SharedServer.withClient { client in
            for stripes in [0, -1, 65537] {
                #expect(throws: ZooKeeperError.self) { try client.stripedLock("/orders", stripes: stripes) }
            }
            #expect(throws: ZooKeeperError.self) { try client.stripedLock("/", stripes: 4) }
            let lock = try client.stripedLock("/orders", stripes: 4)
            await #expect(throws: LockError.self) { try await lock.acquire([]) }
            try await lock.withLock("") { _ in }
            let many = try client.stripedLock("/many", stripes: 4096)
            await #expect(throws: LockError.self) { try await many.acquire((0..<4000).map { "\($0)" }) }
        }
    }
}
