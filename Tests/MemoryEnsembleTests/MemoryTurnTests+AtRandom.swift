import Locking
import TestSupport
import Testing
import ZooKeeperLocks
import ZooKeeperTestKit

@testable import ZooKeeper

extension MemoryTurnTests {
    /// Two processes whose tasks come and go at random, with sessions that end and answers that are lost.
    @Test(arguments: [false, true]) func whateverHappensNobodyIsStuckAndNothingIsLeft(withFaults: Bool) async throws {
        let ensemble = MemoryEnsemble()
        let (inside, tokens) = (Counter(), Recorder<FencingToken>())
        try await ensemble.with { first in
            try await ensemble.with { second in
                let disturber = Task {
                    while withFaults, !Task.isCancelled {
                        try? await Task.sleep(for: .milliseconds(15))
                        let client = Bool.random() ? first : second
                        if Bool.random() {
                            try? await ensemble.expireSession(of: client)
                        } else {
                            try? await ensemble.dropNextReply(of: client)
                        }
                    }
                }
                var outcomes: [String: Int] = [:]
                await withTaskGroup(of: String.self) { group in
                    for number in 0..<400 {
                        let linger = Duration.milliseconds(number % 4 < 2 ? 0 : 3)
                        let client = number.isMultiple(of: 2) ? first : second
                        let options = options(3, linger: linger)
                        group.addTask {
                            try? await Task.sleep(for: .milliseconds(1) * Double.random(in: 0..<300))
                            let patience = Duration.milliseconds(1) * Double.random(in: 0.01..<30)
                            let task = Task { () throws -> String in
                                let lock = try client.lock("/lock", options: options)
                                let timeout: Duration? =
                                    number % 5 == 0 ? .zero : number % 5 == 1 ? patience : nil
                                return try await lock.withLock(timeout: timeout) { lease in
                                    tokens.append(lease.fencingToken)
                                    if inside.add() != 1, !withFaults { Issue.record("two hold") }
                                    defer { inside.add(-1) }
                                    if number % 3 == 0 { try? await Task.sleep(for: .milliseconds(1)) }
                                    return "done"
                                }
                            }
                            if number % 5 == 2 {
                                try? await Task.sleep(for: patience)
                                task.cancel()
                            }
                            switch await task.result {
                            case .success(let outcome): return outcome
                            case .failure(LockError.timedOut): return "timed out"
                            case .failure(LockError.cancelled): return "cancelled"
                            case .failure(LockError.lost): return "lost"
                            case .failure(let error): return "\(error)"
                            }
                        }
                    }
                    for await outcome in group { outcomes[outcome, default: 0] += 1 }
                }
                disturber.cancel()
                await disturber.value
                #expect(
                    Set(outcomes.keys).isSubset(of: ["done", "timed out", "cancelled"] + (withFaults ? ["lost"] : [])),
                    "\(outcomes)")
                #expect(outcomes["done"] ?? 0 > 50, "\(outcomes)")
                #expect(Set(tokens.all).count == tokens.all.count)
                if !withFaults { #expect(zip(tokens.all, tokens.all.dropFirst()).allSatisfy { $0 < $1 }) }
                try await untilChildren(of: NodePath("/lock"), first, count: 0)
                // A session that has just ended may have no successor yet, and whoever lost an answer looks once more, later.
                for client in [first, second] where !withFaults {
                    let session = try #require(client.keeper.currentSession)
                    #expect(session.core.withLock { $0.lease.stakes.count } == 0)
                    #expect(session.core.withLock { $0.observers.count } <= 1)
                }
            }
        }
    }
}
