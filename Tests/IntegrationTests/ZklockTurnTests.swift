import FoundationEssentials
import Glibc
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperTestKit

/// Many at a time want one lock: they take turns, in order, whatever happens to some of them.
@Suite(.weighty) struct ZklockTurnTests {
    @Test func twentyAtATimeTakeTurnsInOrder() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                // Not atomic at all: without the lock most of the increments would be lost.
                let script = """
                    cd '\(directory)'
                    count=$(cat count 2>/dev/null || echo 0)
                    sleep 0.01
                    echo $((count + 1)) > count
                    echo $ZKLOCK_TOKEN >> order
                    """
                let ends = try await withThrowingTaskGroup { group in
                    for _ in 0..<20 {
                        group.addTask { try await zklock.run(["run", "/x", "--", "sh", "-c", script]) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.allSatisfy { $0.status == 0 }, "\(ends.map(\.error))")
                let count = try String(contentsOfFile: "\(directory)/count", encoding: .utf8)
                #expect(count == "20\n")
                // Tokens are given in the order of arrival; they were served in that order.
                let order = try String(contentsOfFile: "\(directory)/order", encoding: .utf8)
                    .split(separator: "\n").compactMap { Int64($0) }
                #expect(order.count == 20)
                #expect(zip(order, order.dropFirst()).allSatisfy { $0 < $1 }, "\(order)")
            }
        }
    }

    @Test func theRestGoesOnWhenHoldersAreKilled() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                // A holder says so, and when it is through; a victim never is. What that leaves behind is no overlap once it is dead.
                let script = """
                    cd '\(directory)'
                    echo "begin $ZKLOCK_TOKEN" >> log
                    ! [ -e busy ] || ! kill -0 "$(cat busy)" 2> /dev/null || echo "overlap $ZKLOCK_TOKEN" >> log
                    echo $$ > busy
                    echo ready
                    while [ "$1" = victim ]; do sleep 0.02; done
                    sleep 0.1
                    rm -f busy
                    echo "end $ZKLOCK_TOKEN" >> log
                    """
                let victims: Set = [1, 4]
                let ends = try await withThrowingTaskGroup { group in
                    for number in 0..<8 {
                        group.addTask {
                            let isVictim = victims.contains(number)
                            let run = [
                                "run", "--session-timeout", "6s", "--kill-after", "200ms", "/x", "--", "sh", "-c",
                                script, "sh", isVictim ? "victim" : "",
                            ]
                            return try await zklock.run(run) { pid in
                                if isVictim { kill(pid, SIGKILL) }
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.count { $0.status == 0 } == 6, "\(ends.map(\.status)) \(ends.map(\.error))")
                #expect(ends.count { $0.status == 137 } == 2)
                let log = try String(contentsOfFile: "\(directory)/log", encoding: .utf8).split(separator: "\n")
                #expect(!log.contains { $0.hasPrefix("overlap") }, "\(log)")
                #expect(log.count { $0.hasPrefix("begin") } == 8)
                #expect(log.count { $0.hasPrefix("end") } == 6)
            }
        }
    }

    @Test func nothingIsCountedTwiceWhenHoldersAreKilledAtRandom() async throws {
        let seed = UInt64.random(in: 0...9999)
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            try await withDirectory { directory in
                // Two at a time would write the same number.
                let script = """
                    cd '\(directory)'
                    last=$(tail -n 1 log 2>/dev/null | cut -d ' ' -f 1)
                    echo ready
                    sleep 0.1
                    echo "$((last + 1)) $ZKLOCK_TOKEN" >> log
                    """
                var generator = SeededGenerator(seed: seed)
                let ends = try await withThrowingTaskGroup { group in
                    for number in 0..<20 {
                        let victim = number < 2 || Int.random(in: 0..<4, using: &generator) == 0
                        // Before it writes, while, and behind.
                        let delay = Duration.milliseconds(
                            number < 2 ? 20 : Int.random(in: 0..<200, using: &generator))
                        group.addTask {
                            let options = ["--session-timeout", "4s", "--kill-after", "200ms"]
                            return try await zklock.run(["run"] + options + ["/x", "--", "sh", "-c", script]) { pid in
                                guard victim else { return }
                                try await Task.sleep(for: delay)
                                kill(pid, SIGKILL)
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let through = ends.count { $0.status == 0 }
                let killed = ends.count { $0.status == 137 }
                print("seed \(seed): \(through) of 20 were through, \(killed) killed")
                #expect(
                    killed > 0 && through + killed == 20, "\(ends.map(\.status)) \(ends.map(\.error)), seed \(seed)")
                let log = try String(contentsOfFile: "\(directory)/log", encoding: .utf8).split(separator: "\n")
                    .map { $0.split(separator: " ").compactMap { Int64($0) } }
                #expect(log.map(\.first) == (0..<log.count).map { Int64($0 + 1) }, "\(log), seed \(seed)")
                let tokens = log.compactMap(\.last)
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 }, "\(log), seed \(seed)")
                // Who was killed may have written before.
                #expect((through...20).contains(log.count))
            }
        }
    }

    @Test(arguments: [["--shared"], ["--permits", "2"]])
    func someHoldTogether(options: [String]) async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let run = ["run"] + options + ["/x", "--", "sh", "-c"]
            try await withDirectory { directory in
                // The first runs until the second has begun, so they do so together.
                let script = "echo ready; while ! [ -e '\(directory)/second' ]; do sleep 0.02; done"
                let ended = try await zklock.run(run + [script]) { _ in
                    let second = try await zklock.run(run + ["echo second"])
                    #expect(second.status == 0 && second.output == "second\n", "\(second.error)")
                    // Alone it cannot be had: by a writer; where there are so many permits, by whoever thinks there is one.
                    let other = options == ["--shared"] ? [] : ["--permits", "1"]
                    let alone = try await zklock.run(["run", "--try"] + other + ["/x", "--", "echo", "no"])
                    #expect(alone.status == (other == [] ? 124 : 125), "\(alone.error)")
                    #expect(alone.output == "")
                    #expect(FileManager.default.createFile(atPath: "\(directory)/second", contents: Data()))
                }
                #expect(ended.status == 0, "\(ended.error)")
            }
        }
    }

    @Test func kazooWouldRecognizeIt() async throws {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let print = ["/x", "--", "sh", "-c", "echo $ZKLOCK_NODE"]
            let alone = try await zklock.run(["run", "--recognize", "kazoo"] + print)
            #expect(alone.output.contains("__lock__0"), "\(alone.output) \(alone.error)")
            let shared = try await zklock.run(["run", "--shared", "--recognize", "kazoo"] + print)
            #expect(shared.output.contains("__rlock__0"), "\(shared.output) \(shared.error)")
        }
    }
}
