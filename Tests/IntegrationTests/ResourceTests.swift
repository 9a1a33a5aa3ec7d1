import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// Nothing is left of a client that was closed. The tests that count have a process to themselves.
@Suite(
    .runsInOwnProcess, .enabled(if: !Sanitizer.isOn, "a sanitizer costs more than what is measured"))
struct ResourceTests {
    @Test func aHundredClientLifetimes() async {
        await #expect(processExitsWith: .success) {
            try await TestServer.with { server in
                try await ResourceTests.expectFlat(rounds: 100) { number in
                    try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                        let path = try NodePath("/n\(number)")
                        try await client.create(path, data: [UInt8](repeating: 1, count: 10_000))
                        let watch = try await client.getAndWatch(path).watch
                        _ = try await client.existsAndWatch(NodePath("/never"))
                        try await client.delete(path)
                        _ = try await watch.event()
                    }
                }
            }
        }
    }

    @Test func clientsThatNeverConnect() async {
        await #expect(processExitsWith: .success) {
            for peer in [FakePeer.Behaviour.silent, .closesAtOnce, .http] {
                try await FakePeer.with(peer) { peer in
                    try await ResourceTests.expectFlat(rounds: 4) { number in
                        var configuration = ZooKeeperClient.Configuration.quiet(peer.connectString)
                        configuration.connectTimeout = .milliseconds(50)
                        let client = try? await ZooKeeperClient.connect(configuration)
                        #expect(client == nil)
                        // Ended at any point of the way.
                        let connecting = Task { try await ZooKeeperClient.connect(configuration) }
                        // Not `Task.sleep`: the descriptors that Dispatch opens for its first timer would be counted.
                        let pause = Promise<Void>()
                        TimerThread.shared.schedule(at: .now + .microseconds(number * 200)) { pause.resolve(()) }
                        await pause.value()
                        connecting.cancel()
                        _ = try? await connecting.value
                    }
                }
            }
        }
    }

    /// What there is after the last round is what there was after the first ones.
    static func expectFlat(rounds: Int, _ round: (Int) async throws -> Void) async throws {
        var (descriptors, memory): ([String], Int) = ([], 0)
        let sockets = OwnProcess.descriptors.count { $0 == "socket" }
        for number in 0..<rounds {
            try await round(number)
            // What is needed once is there then, and the allocator has what it wants.
            guard number == rounds / 4 else { continue }
            await onlyTheTimerIsLeft()
            await until { OwnProcess.descriptors.count { $0 == "socket" } <= sockets }
            (descriptors, memory) = (OwnProcess.descriptors, OwnProcess.residentKibibytes)
        }
        await onlyTheTimerIsLeft()
        // A fake peer closes its end when it has seen the client close.
        await until { OwnProcess.descriptors == descriptors }
        let open = OwnProcess.descriptors
        #expect(open == descriptors, "\(open) instead of \(descriptors)")
        let grown = OwnProcess.residentKibibytes - memory
        #expect(grown < 2048, "grown by \(grown) KiB")
    }

    /// A thread is listed for a moment after it has done its last work.
    private static func onlyTheTimerIsLeft() async {
        await until { OwnProcess.ownThreads == ["zk-timer"] }
        let threads = OwnProcess.ownThreads
        #expect(threads == ["zk-timer"], "\(threads)")
    }

    private static func until(_ condition: () -> Bool) async {
        // The C client may take six seconds to close.
        let deadline = ContinuousClock.now + .seconds(8)
        while !condition(), ContinuousClock.now < deadline { await Task.yield() }
    }
}
