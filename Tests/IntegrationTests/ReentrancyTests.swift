import Locking
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// A chain of calls that asks again for the lock that it has, and tasks that it starts.
@Suite(.weighty) struct ReentrancyTests {
    @Test func aNestedScopeJoinsTheLeaseOfItsChain() async throws {
        try await Reentrant.withLock { lock in
            let result = try await lock.withLock { outer in
                // Another value for the same path will do.
                let same = try lock.client.lock("/lock", options: Reentrant.options)
                return try await same.withLock(timeout: .zero) { inner in
                    #expect(inner.fencingToken == outer.fencingToken)
                    #expect(inner.node == outer.node)
                    let third = try await lock.withLockIfAvailable { $0.fencingToken }
                    #expect(third == outer.fencingToken)
                    #expect(try await lock.client.children(lock.path).count == 1)
                    return 7
                }
            }
            #expect(result == 7)
        }
    }

    @Test func oneAfterTheOtherJoinsAgain() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                for _ in 0..<100 { try await lock.withLock { #expect($0.fencingToken == outer.fencingToken) } }
            }
        }
    }

    @Test func twoLocksOneInTheOther() async throws {
        try await Reentrant.withLock { lock in
            let other = try lock.client.lock("/other", options: Reentrant.options)
            try await lock.withLock { first in
                try await other.withLock { second in
                    #expect(first.fencingToken != second.fencingToken)
                    try await lock.withLock { #expect($0.fencingToken == first.fencingToken) }
                    try await other.withLock { #expect($0.fencingToken == second.fencingToken) }
                }
                #expect(try await lock.client.children(other.path) == [])
            }
        }
    }

    @Test func theReleaseOfANestedLeaseKeepsTheLock() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                var escaped: Lease?
                try await lock.withLock { inner in
                    await inner.release()
                    #expect(!inner.isHeld)
                    #expect(throws: LockError.released(lock.path)) { try inner.checkHeld() }
                    #expect(outer.isHeld)
                    try await lock.withLock { #expect($0.isHeld) }
                    escaped = inner
                }
                #expect(escaped?.isHeld == false)
                var another: Lease?
                try await lock.withLock { another = $0 }
                // Its scope has ended.
                #expect(another?.isHeld == false)
                try outer.checkHeld()
                #expect(try await lock.client.exists(outer.node) != nil)
            }
        }
    }

    @Test func errorsAndCancellationsOfANestedScopeLeaveTheOuterOne() async throws {
        struct Oops: Error {}
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                await #expect(throws: Oops.self) { try await lock.withLock { _ in throw Oops() } }
                let task = Task {
                    try await lock.withLock { _ in try await Task.sleep(for: .seconds(60)) }
                }
                task.cancel()
                await #expect(throws: (any Error).self) { try await task.value }
                #expect(outer.isHeld)
                try await lock.withLock { #expect($0.fencingToken == outer.fencingToken) }
            }
        }
    }

    // MARK: Tasks of one body

    @Test func siblingsOfAsyncLetExcludeEachOther() async throws {
        try await Reentrant.withLock { lock in
            let room = Room()
            try await lock.withLock { outer in
                async let first = lock.withLock { lease in
                    await room.stay()
                    return lease.fencingToken
                }
                async let second = lock.withLock { lease in
                    await room.stay()
                    return lease.fencingToken
                }
                async let third = lock.withLock { lease in
                    await room.stay()
                    return lease.fencingToken
                }
                let tokens = try await [first, second, third]
                #expect(tokens == Array(repeating: outer.fencingToken, count: 3))
            }
            #expect(room.most == 1)
        }
    }

    @Test func siblingsOfAGroupExcludeEachOtherAtEachDepth() async throws {
        try await Reentrant.withLock { lock in
            let (upper, lower) = (Room(), Room())
            try await lock.withLock { outer in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<10 {
                        group.addTask {
                            try await lock.withLock { _ in
                                await upper.stay()
                                try await withThrowingTaskGroup { group in
                                    for _ in 0..<3 {
                                        group.addTask { try await lock.withLock { _ in await lower.stay() } }
                                    }
                                    try await group.waitForAll()
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(outer.isHeld)
            }
            #expect(upper.most == 1)
            #expect(lower.most == 1)
        }
    }

    @Test func siblingsOfTaskAreAwaitedByTheOuterRelease() async throws {
        try await Reentrant.withLock { lock in
            let (hasJoined, joined) = AsyncStream.makeStream(of: Void.self)
            let (mayGoOn, goOn) = AsyncStream.makeStream(of: Void.self)
            let states = Recorder<Bool>()
            let outer = Task {
                try await lock.withLock { outer in
                    Task {
                        try await lock.withLock { inner in
                            joined.yield()
                            for await _ in mayGoOn { break }
                            states.append(inner.isHeld && inner.fencingToken == outer.fencingToken)
                        }
                    }
                    for await _ in hasJoined { break }
                }
                states.append(false)
            }
            // The outer body is over, or soon will be.
            let waiter = Task { try await lock.withLock { $0.fencingToken } }
            try await untilChildren(of: lock, count: 2)
            #expect(states.all.isEmpty)
            goOn.yield()
            try await outer.value
            #expect(states.all == [true, false])
            _ = try await waiter.value
        }
    }

    @Test func whoWaitsForASiblingMayGiveUp() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { outer in
                let (isIn, entered) = AsyncStream.makeStream(of: Void.self)
                let (mayGoOn, goOn) = AsyncStream.makeStream(of: Void.self)
                let sibling = Task {
                    try await lock.withLock { _ in
                        entered.yield()
                        for await _ in mayGoOn { break }
                    }
                }
                for await _ in isIn { break }
                #expect(try await lock.withLockIfAvailable { _ in 1 } == nil)
                let error = await #expect(throws: LockError.self) {
                    try await lock.withLock(timeout: .milliseconds(50)) { _ in }
                }
                guard case .timedOut(lock.path, ahead: 1, let holder)? = error else {
                    Issue.record("\(error as Any)")
                    return
                }
                #expect(holder?.node == outer.node)
                let cancelled = Task { try await lock.withLock { _ in } }
                cancelled.cancel()
                await #expect(throws: LockError.cancelled(lock.path)) { try await cancelled.value }
                // Those who gave up are in nobody's way.
                let last = Task { try await lock.withLock { $0.fencingToken } }
                goOn.yield()
                try await sibling.value
                #expect(try await last.value == outer.fencingToken)
            }
        }
    }

    @Test func aDetachedTaskIsNoSibling() async throws {
        try await Reentrant.withLock { lock in
            try await lock.withLock { _ in
                let task = Task.detached { try await lock.withLockIfAvailable { _ in 1 } }
                let result = try await task.value
                #expect(result == nil)
            }
        }
    }

    @Test func manyTasksInSomeOrderNeverMeet() async throws {
        try await SharedServer.withRoot { configuration in
            var locks: [DistributedLock] = []
            for _ in 0..<3 {
                locks.append(try await ZooKeeperClient.connect(configuration).lock("/lock", options: Reentrant.options))
            }
            let (outside, inside) = (Room(), Room())
            let joins = Recorder<Bool>()
            try await withThrowingTaskGroup { group in
                for number in 0..<60 {
                    let lock = locks[number % locks.count]
                    group.addTask {
                        try await lock.withLock { outer in
                            await outside.stay()
                            for child in 0..<3 {
                                // Some join, some come too late; none overlaps with another one of any chain.
                                Task {
                                    try? await Task.sleep(for: .microseconds(Int.random(in: 0..<4000)))
                                    try await lock.withLock { inner in
                                        joins.append(inner.fencingToken == outer.fencingToken)
                                        await inside.stay()
                                    }
                                }
                                if child == 1 { try? await Task.sleep(for: .microseconds(Int.random(in: 0..<4000))) }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            while joins.all.count < 180 { try await Task.sleep(for: .milliseconds(5)) }
            for lock in locks { try await untilChildren(of: lock, count: 0) }
            print("of 180 tasks \(joins.all.count { $0 }) have joined")
            #expect(outside.most == 1)
            #expect(inside.most == 1)
            for lock in locks { await lock.client.close() }
        }
    }
}
