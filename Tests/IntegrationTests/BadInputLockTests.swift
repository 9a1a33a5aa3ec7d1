import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks

@Suite(.timeLimit(.minutes(5))) struct BadInputLockTests {
    @Test(arguments: ["", "a", "/a/", "//", "/a//b", "/./a", "/a/../b", "/a\u{0}b", "/\u{7f}", "/🔒", "/zookeeper/x"])
    func paths(text: String) async throws {
        try await SharedServer.withClient { client in
            await expect(.invalidPath) { try client.lock(text) }
            await (try await client.lock("/lock").acquire()).release()
        }
    }

    @Test func aPathAtTheLimit() async throws {
        try await SharedServer.withClient { client in
            let longest = NodePath.maximumLength - 128
            let lease = try await client.lock("/" + String(repeating: "l", count: longest - 1)).acquire()
            await lease.release()
            await expect(.invalidPath) { try client.lock("/" + String(repeating: "l", count: longest)) }
        }
    }

    @Test(arguments: [Duration.nanoseconds(-1), .seconds(-1), .seconds(Int64.min), .seconds(Int64.min) * 2])
    func negativeTimeouts(timeout: Duration) async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let error = await #expect(throws: LockError.self) { try await lock.acquire(timeout: timeout) }
            #expect(error?.session?.code == .invalidArgument)
            #expect(error?.session?.detail.contains("zero to try once") == true)
            let stat = try await client.exists(lock.path)
            #expect(stat == nil)
            await (try await lock.acquire(timeout: .zero)).release()
        }
    }

    @Test(arguments: [Duration.seconds(86_400 * 365 * 1000), .seconds(Int64.max), .seconds(Int64.max) * 2])
    func hugeTimeouts(timeout: Duration) async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            let holder = try await lock.acquire(timeout: timeout)
            async let second = lock.acquire(timeout: timeout)
            await holder.release()
            await (try await second).release()
        }
    }

    @Test func labels() async throws {
        try await SharedServer.withClient { client in
            for label in ["", "\u{0}", "\"\\\n", "🔒", String(repeating: "x", count: Owner.maximumLabelLength)] {
                var options = DistributedLock.Options()
                options.label = label
                let lock = try client.lock("/lock", options: options)
                let lease = try await lock.acquire()
                #expect(Owner(try await client.get(lease.node).data)?.label == label)
                await lease.release()
            }
        }
    }

    /// The lock's requests do not come by the way of the client's; what they carry is checked all the same.
    @Test(arguments: [
        ACL(.all, scheme: "world\u{0}", id: "anyone"), ACL(.all, scheme: "world", id: "anyone\u{0}"),
        ACL(.all, scheme: "digest", id: String(repeating: "x", count: 1_100_000)),
    ])
    func rights(entry: ACL) async throws {
        try await SharedServer.withClient { client in
            var options = DistributedLock.Options()
            options.acl = [entry]
            await #expect(throws: (any Error).self) {
                let lease = try await client.lock("/lock", options: options).acquire(timeout: .seconds(60))
                await lease.release()
            }
            let stat = try await client.exists(NodePath("/lock"))
            #expect(stat == nil)
            #expect(client.state == .connected)
        }
    }

    // MARK: Others in the queue

    @Test func whatIsNoContenderIsPassedOver() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            try await client.create(lock.path)
            for name in [
                "config", "lock-", "lock-123", "lock-00000000001", "x-0000000000", "lock-000000000a", "lock-٠٠٠٠٠٠٠٠٠٠",
            ] {
                try await client.create(lock.path.appending(name))
            }
            try await client.create(lock.path.appending("container"), mode: .container)
            let lease = try #require(try await lock.tryAcquire())
            await lease.release()
            #expect(try await client.children(lock.path).count == 8)
        }
    }

    /// Nobody removes it, so it blocks for ever; the error has to lead to it.
    @Test func aPersistentContenderBlocksAndIsNamed() async throws {
        try await SharedServer.withClient { client in
            let lock = try client.lock("/lock")
            try await client.create(lock.path)
            let (block, _) = try await client.create(lock.path.appending("x-lock-"), mode: .persistentSequential)
            let positions = Recorder<QueuePosition>()
            let error = await #expect(throws: LockError.self) {
                try await lock.acquire(timeout: .seconds(2)) { positions.append($0) }
            }
            guard case .timedOut(lock.path, ahead: 1, holder: Holder(node: block, owner: nil)) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(positions.all.first?.predecessor == block)
            let text = try #require(error).description
            #expect(text.contains(block.string), "\(text)")
            #expect(try await client.children(lock.path) == [String(block.name)])
            try await client.delete(block)
            await (try await lock.acquire(timeout: .zero)).release()
        }
    }
}
