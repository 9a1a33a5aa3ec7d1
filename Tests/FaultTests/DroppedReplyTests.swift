import TestSupport
import Testing
import ZooKeeper
import ZooKeeperFaultKit
import ZooKeeperLocks
import ZooKeeperTestKit

extension FaultTests {
    /// The server has executed a request, and the client is told nothing.
    @Suite struct DroppedReplies {
        @Test func `A create whose reply is dropped has an unknown outcome, and has happened`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        let path = try NodePath("/node")
                        let session = try #require(client.sessionID)
                        let drop = await proxy.dropReply(1, to: .create2)
                        // Does not count.
                        _ = try await client.exists(path)
                        let error = await #expect(throws: ZooKeeperError.self) {
                            try await client.create(path, mode: .ephemeral)
                        }
                        #expect(error?.outcomeIsUnknown == true)
                        let dropped = try #require(await drop.dropped())
                        #expect(dropped == .init(connection: 1, number: 1, opcode: .create2))
                        // In the same session, on the next connection.
                        let stat = try #require(try await client.exists(path))
                        #expect(stat.ephemeralOwner == session)
                        #expect(proxy.counters.repliesDropped == 1)
                        #expect(proxy.counters.connections == 2)
                        // Once only.
                        try await client.delete(path)
                        try await client.create(path)
                    }
                }
            }
        }

        @Test func `The k-th reply is dropped, those before it are delivered`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        let paths = try (1...5).map { try NodePath("/n\($0)") }
                        let events = proxy.events
                        await proxy.dropReply(3)
                        var outcomes: [Bool] = []
                        for path in paths {
                            do throws(ZooKeeperError) {
                                try await client.create(path)
                                outcomes.append(true)
                            } catch {
                                #expect(error.outcomeIsUnknown)
                                outcomes.append(false)
                            }
                        }
                        #expect(outcomes == [true, true, false, true, true])
                        for path in paths {
                            let stat = try await client.exists(path)
                            #expect(stat != nil)
                        }
                        let event = await first(of: events) { if case .replyDropped = $0 { true } else { false } }
                        #expect(event == .replyDropped(.init(connection: 1, number: 3, opcode: .create2)))
                    }
                }
            }
        }

        /// The lock as it is: one cycle for each k, until a cycle has fewer replies than that.
        @Test func `No reply of a lock's cycle is one whose loss leaves a node or stops the queue`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                            let lock = try client.lock("/lock")
                            var lost: [Opcode] = []
                            while true {
                                let drop = await proxy.dropReply(lost.count + 1)
                                let lease = try await lock.acquire(timeout: .seconds(20))
                                await lease.release()
                                try await untilEmpty(lock.path, direct)
                                guard let dropped = drop.current else { break }
                                lost.append(dropped.opcode)
                                try #require(lost.count < 50)
                            }
                            print("Lost, one in each cycle: \(lost.map(\.description).joined(separator: ", "))")
                            #expect(lost.contains(.create2) && lost.contains(.delete))
                        }
                    }
                }
            }
        }

        /// The same for one that has to wait: armed, granted without a question, leaving word behind.
        @Test func `No reply to a waiter is one whose loss leaves a node or stops the queue`() async throws {
            try await TestServer.with { server in
                try await FaultProxy.with(to: server) { proxy in
                    try await ZooKeeperClient.with(.quiet(proxy.connectString)) { client in
                        try await ZooKeeperClient.with(.quiet(server.connectString)) { direct in
                            let lock = try client.lock("/lock")
                            var lost: [Opcode] = []
                            while true {
                                let held = try await direct.lock("/lock").acquire()
                                let drop = await proxy.dropReply(lost.count + 1)
                                let waiter = Task { try await lock.acquire(timeout: .seconds(20)) }
                                for try await names in direct.childrenChanges(of: lock.path) where names.count == 2 {
                                    break
                                }
                                // Up to here the replies to its entry, or behind it those to its watches.
                                await held.release()
                                let lease = try await waiter.value
                                #expect(lease.fencingToken > held.fencingToken)
                                await lease.release()
                                try await untilEmpty(lock.path, direct)
                                guard let dropped = drop.current else { break }
                                lost.append(dropped.opcode)
                                try #require(lost.count < 50)
                            }
                            print("Lost, one in each cycle: \(lost.map(\.description).joined(separator: ", "))")
                            #expect(lost.contains(.create2) && lost.contains(.getData))
                        }
                    }
                }
            }
        }

        private func untilEmpty(_ path: NodePath, _ client: ZooKeeperClient) async throws {
            for try await names in client.childrenChanges(of: path) where names.isEmpty { return }
        }
    }
}
