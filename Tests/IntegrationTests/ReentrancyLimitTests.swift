import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// What is never joined, and how those end who have joined.
@Suite(.weighty) struct ReentrancyLimitTests {
    @Test func anEndedLeaseIsNeverJoined() async throws {
        try await Reentrant.withLock { lock in
            let (mayGoOn, goOn) = AsyncStream.makeStream(of: Void.self)
            let tokens = Recorder<FencingToken>()
            let late = try await lock.withLock { outer in
                tokens.append(outer.fencingToken)
                return Task {
                    for await _ in mayGoOn { break }
                    // Inherits the scope, which has ended.
                    _ = try await lock.withLock { tokens.append($0.fencingToken) }
                    _ = try await lock.withLock { tokens.append($0.fencingToken) }
                }
            }
            let next = try await lock.withLock { $0.fencingToken }
            goOn.yield()
            try await late.value
            #expect(Set(tokens.all).count == 3)
            #expect(tokens.all.dropFirst().allSatisfy { $0 > next })
        }
    }

    @Test func aSiblingThatWaitedUntilTheEndQueuesLikeEverybodyElse() async throws {
        try await Reentrant.withLock { lock in
            let (isIn, entered) = AsyncStream.makeStream(of: Void.self)
            let (hasStarted, started) = AsyncStream.makeStream(of: Void.self)
            let (mayGoOn, goOn) = AsyncStream.makeStream(of: Void.self)
            let order = Recorder<String>()
            let outer = Task {
                try await lock.withLock { outer in
                    Task {
                        try await lock.withLock { _ in
                            entered.yield()
                            for await _ in mayGoOn { break }
                            order.append("joined")
                        }
                    }
                    for await _ in isIn { break }
                    started.yield()
                    // Somebody else, below.
                    try await untilChildren(of: lock, count: 2)
                    // Waits for the one that is in, until this body has ended.
                    return Task {
                        try await lock.withLock { lease in
                            order.append("late")
                            return lease.fencingToken > outer.fencingToken
                        }
                    }
                }
            }
            for await _ in hasStarted { break }
            let other = Task { _ = try await lock.withLock { _ in order.append("other") } }
            // The one that waited was sent to the end of the queue when the body had ended.
            try await untilChildren(of: lock, count: 3)
            goOn.yield()
            #expect(try await (try outer.value).value)
            try await other.value
            #expect(order.all == ["joined", "other", "late"])
        }
    }

    @Test func whatAnEndedNestedScopeStartedJoinsTheOuterOne() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                let (mayGoOn, goOn) = AsyncStream.makeStream(of: Void.self)
                let late = try await lock.withLock { _ in
                    Task {
                        for await _ in mayGoOn { break }
                        return try await lock.withLock { $0.fencingToken }
                    }
                }
                goOn.yield()
                #expect(try await late.value == outer.fencingToken)
            }
        }
    }

    @Test func aLeaseThatWasReleasedByHandIsNeverJoined() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                await outer.release()
                try await lock.withLock(timeout: .seconds(10)) { #expect($0.fencingToken > outer.fencingToken) }
            }
        }
    }

    @Test func aLostLeaseIsNeverJoined() async throws {
        try await Reentrant.withLock { lock in
            let body = Task {
                try await lock.withLock { outer in
                    var events = outer.events.makeAsyncIterator()
                    try await Task { _ = try await lock.break(token: outer.fencingToken) }.value
                    #expect(await events.next() == .lost(.nodeDeleted))
                    // In a task of its own, which is not cancelled by the loss.
                    let task = Task { try await lock.withLock { _ in Issue.record("joined") } }
                    await #expect(throws: LockError.lost(lock.path, .nodeDeleted, token: outer.fencingToken)) {
                        try await task.value
                    }
                }
            }
            let error = await #expect(throws: LockError.self) { try await body.value }
            guard case .lost(lock.path, .nodeDeleted, _)? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func aLeaseOfAnEndedSessionIsNeverJoined() async throws {
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.brief(server.connectString))
            let lock = try client.lock("/lock", options: Reentrant.options)
            let body = Task {
                try await lock.withLock { outer in
                    var events = outer.events.makeAsyncIterator()
                    try await Task { try await server.expireSession(of: client) }.value
                    while let event = await events.next() { if case .lost = event { break } }
                    let task = Task { try await lock.withLock { _ in Issue.record("joined") } }
                    await #expect(throws: LockError.self) { try await task.value }
                }
            }
            await #expect(throws: LockError.self) { try await body.value }
            // In the next session, a lease of its own.
            try await lock.withLock { #expect($0.isHeld) }
            await client.close()
        }
    }

    @Test func whatHasJoinedIsCancelledWhenTheLockIsLost() async throws {
        try await Reentrant.withLock { lock in
            let wasCancelled = Recorder<Bool>()
            await #expect(throws: LockError.self) {
                try await lock.withLock { outer in
                    let (isIn, entered) = AsyncStream.makeStream(of: Void.self)
                    Task {
                        try await lock.withLock { _ in
                            entered.yield()
                            try? await Task.sleep(for: .seconds(60))
                            wasCancelled.append(Task.isCancelled)
                        }
                    }
                    for await _ in isIn { break }
                    try await Task { _ = try await lock.break(token: outer.fencingToken) }.value
                }
            }
            // The outer one has waited for it.
            #expect(wasCancelled.all == [true])
        }
    }

    @Test func anotherClientIsNotJoined() async throws {
        try await SharedServer.withRoot { configuration in
            let (mine, theirs) = (
                try await ZooKeeperClient.connect(configuration), try await ZooKeeperClient.connect(configuration)
            )
            let other = try theirs.lock("/lock", options: Reentrant.options)
            try await mine.lock("/lock", options: Reentrant.options).withLock { _ in
                let result = try await other.withLockIfAvailable { _ in 1 }
                #expect(result == nil)
            }
            await mine.close()
            await theirs.close()
        }
    }

    @Test func withoutTheOptionNobodyJoinsAndNobodyIsJoined() async throws {
        try await Reentrant.withLock { lock in
            let plain = try lock.client.lock("/lock")
            try await plain.withLock { _ in
                let (same, other) = (
                    try await plain.withLockIfAvailable { _ in 1 }, try await lock.withLockIfAvailable { _ in 1 }
                )
                #expect(same == nil && other == nil)
            }
            try await lock.withLock { _ in
                let inner = try await plain.withLockIfAvailable { _ in 1 }
                let lease = try await lock.tryAcquire()
                #expect(inner == nil && lease == nil)
            }
        }
    }

    @Test func aTimeoutThatMakesNoSenseIsRefusedInsideToo() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { _ in
                let error = await #expect(throws: LockError.self) {
                    try await lock.withLock(timeout: .seconds(-1)) { _ in }
                }
                #expect(error?.session?.code == .invalidArgument)
            }
        }
    }
}
