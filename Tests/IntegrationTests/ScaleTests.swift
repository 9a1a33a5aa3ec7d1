import Foundation
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// As many waiters as a process may come to have; `WAITERS` sets how many.
@Suite(
    .alone, .enabled(if: !Sanitizer.isOn, "a sanitizer needs more memory than is measured")) struct ScaleTests
{
    private static let waiters = ProcessInfo.processInfo.environment["WAITERS"].flatMap(Int.init) ?? 10_000

    /// They all ask at once, in one session. In the middle of their turns the server goes away and comes back.
    @Test func allWaitersAreServedInOrderAlsoAcrossARestart() async throws {
        let count = Self.waiters
        try await TestServer.with { server in
            let client = try await ZooKeeperClient.connect(.quiet(server.connectString))
            let (states, follower) = follow(client)
            let (session, lock) = (client.sessionID, try client.lock("/lock"))
            let head = try await lock.acquire()
            let tokens = Recorder<FencingToken>()
            let restart = Recorder<Duration>()
            let memory = residentKilobytes("VmRSS")
            let start = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                for _ in 0..<count {
                    group.addTask {
                        let lease = try await lock.acquire()
                        if tokens.append(lease.fencingToken) == count / 2 {
                            let start = ContinuousClock.now
                            try await server.restart()
                            restart.append(.now - start)
                        }
                        await lease.release()
                    }
                }
                try await untilChildren(of: lock, count: count + 1)
                let (entered, waiting) = (ContinuousClock.now, residentKilobytes("VmRSS"))
                await head.release()
                try await group.waitForAll()
                print(
                    "\(count) waiters: all in the queue after \((entered - start).milliseconds) ms, "
                        + "\((waiting - memory) * 1024 / count) bytes each; all served \((ContinuousClock.now - entered).milliseconds) ms "
                        + "later, \(restart.all.first?.milliseconds ?? 0) ms of that for the restart; "
                        + "peak memory \(residentKilobytes("VmHWM") / 1024) MiB")
            }
            #expect(tokens.all.count == count)
            #expect(tokens.all == tokens.all.sorted())
            try await expectNobodyLeft(at: lock.path, client, within: .seconds(60))
            #expect(client.sessionID == session)
            // One connection more than restarts: whoever cannot set its watches again would connect over and over.
            #expect(restart.all.count == 1)
            #expect(states.all.count { $0 == .connected } == 2, "\(states.all)")
            follower.cancel()
            await client.close()
        }
    }

    private func follow(_ client: ZooKeeperClient) -> (Recorder<SessionState>, Task<Void, Never>) {
        let (states, recorder) = (client.states, Recorder<SessionState>())
        return (recorder, Task { for await state in states { recorder.append(state) } })
    }

    private func residentKilobytes(_ key: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
}
