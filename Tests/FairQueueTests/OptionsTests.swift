import ArgumentParser
import Testing
import ZooKeeperTestKit

@testable import fair_queue

struct OptionsTests {
    @Test func defaults() throws {
        let options = try Options.parse([])
        #expect(options.plan == Plan(workers: 6, rounds: 3, hold: .milliseconds(300), path: "/fair-queue/demo"))
        guard case .embedded = options.chosenServers else {
            Issue.record("a server of its own is the default")
            return
        }
    }

    @Test func everythingSet() throws {
        let options = try Options.parse([
            "--servers", "zk:2181/a", "--workers", "12", "--rounds", "5", "--hold", "1.5s", "--path", "/x", "--crash",
            "--session-timeout", "8s", "--tick-time", "1s",
        ])
        #expect(options.plan == Plan(workers: 12, rounds: 5, hold: .milliseconds(1500), path: "/x", crashRound: 3))
        #expect(options.sessionTimeout == .seconds(8))
        guard case .given("zk:2181/a", .seconds(1)) = options.chosenServers else {
            Issue.record("the servers are those that were given")
            return
        }
    }

    @Test(arguments: [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
    func theCrashComesInTheMiddle(_ rounds: Int, _ crashRound: Int) throws {
        #expect(try Options.parse(["--crash", "--rounds", "\(rounds)"]).plan.crashRound == crashRound)
    }

    @Test func anEnsemble() throws {
        for arguments in [["--ensemble"], ["--kill-leader"], ["--ensemble", "--kill-leader"]] {
            let options = try Options.parse(arguments)
            guard case .ensemble = options.chosenServers else {
                Issue.record("\(arguments) is not an ensemble")
                continue
            }
            #expect(options.chosenServers.ownCount == 3)
            #expect(options.chosenServers.sessionTimeout > Servers.embedded.sessionTimeout)
            #expect((options.plan.leaderKillTurn != nil) == arguments.contains("--kill-leader"))
        }
    }

    @Test func aPartition() throws {
        let options = try Options.parse(["--partition"])
        #expect(options.plan.partitionRound == 2)
        guard case .partitionable = options.chosenServers else {
            Issue.record("not an ensemble that can be partitioned")
            return
        }
        #expect(options.chosenServers.ownCount == 3)
        #expect(options.chosenServers.sessionTimeout == .seconds(2))
        // Nobody is to notice the partition before the session ends.
        let configuration = Partition.configuration
        #expect(Partition.sessionTimeouts.upperBound * 2 <= configuration.tickTime * configuration.syncLimit)
        #expect(try Options.parse(["--partition", "--ensemble", "--session-timeout", "5s"]).plan.partitionRound == 2)
        #expect(try Options.parse([]).plan.partitionRound == nil)
    }

    @Test(arguments: [(6, 3, 9), (1, 3, 2), (5, 1, 3)])
    func theLeaderIsKilledInTheMiddle(_ workers: Int, _ rounds: Int, _ turn: Int) throws {
        let options = try Options.parse(["--kill-leader", "--workers", "\(workers)", "--rounds", "\(rounds)"])
        #expect(options.plan.leaderKillTurn == turn)
    }

    @Test(arguments: [
        (["--workers", "0"], "1 to 500"), (["--workers", "501"], "1 to 500"), (["--rounds", "0"], "1 to 100000"),
        (["--hold=-1s"], "negative"), (["--hold", "2h"], "at most an hour"), (["--hold", "5x"], "'x' is not a unit"),
        (["--crash", "--workers", "1"], "second worker"), (["--path", "x"], "--path 'x'"),
        (["--path", "/"], "a lock has a name"),
        (["--ensemble", "--servers", "a:1"], "not with --servers"),
        (["--kill-leader", "--servers", "a:1"], "not with --servers"),
        (["--kill-leader", "--crash"], "one at a time"),
        (["--kill-leader", "--hold", "0"], "would be over before"),
        (["--kill-leader", "--workers", "1", "--rounds", "1"], "would be over before"),
        (["--partition", "--servers", "a:1"], "not with --servers"),
        (["--partition", "--crash"], "one at a time"),
        (["--partition", "--kill-leader"], "one at a time"),
        (["--partition", "--workers", "1"], "second worker"),
        (["--partition", "--session-timeout", "1900ms"], "2.0 s to 5.0 s"),
        (["--partition", "--session-timeout", "6s"], "2.0 s to 5.0 s"),
        (["--session-timeout", "999ms"], "1 second to 10 minutes"),
        (["--session-timeout", "11m"], "1 second to 10 minutes"),
        (["--tick-time", "1s"], "--servers"), (["--servers", "a:1", "--tick-time", "0"], "more than zero"),
    ])
    func refuses(_ arguments: [String], _ reason: String) {
        let error = #expect(throws: (any Error).self) { try Options.parse(arguments) }
        let message = error.map { Options.message(for: $0) } ?? ""
        #expect(message.contains(reason), "\(message)")
        #expect(error.map { Options.exitCode(for: $0) } == .validationFailure)
    }
}
