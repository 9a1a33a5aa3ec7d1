import FoundationEssentials
import Glibc
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// `zklock run` in front of a person, in a terminal with a shell that controls jobs.
@Suite(.weighty) struct ZklockTerminalTests {
    private func inTerminal<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PseudoTerminal, ZooKeeperClient.Configuration) async throws -> sending R
    ) async throws -> sending R {
        try await SharedServer.withRoot { configuration in
            let zklock = try Zklock(configuration)
            let environment = ["ZKLOCK_SERVERS=\(zklock.servers)", "ZKLOCK=\(zklock.path)"]
            return try await PseudoTerminal.with(environment: environment) { terminal in
                try await terminal.shows("$ ")
                return try await body(terminal, configuration)
            }
        }
    }

    @Test func ctrlCWhileWaitingLeavesNothing() async throws {
        try await inTerminal { terminal, configuration in
            try await ZooKeeperClient.with(configuration) { client in
                var options = DistributedLock.Options()
                options.label = "the holder"
                let lease = try await client.lock("/x", options: options).acquire()
                terminal.enter("\"$ZKLOCK\" run /x -- echo no")
                // Where it stands, and behind whom.
                try await terminal.shows("1 ahead, held by")
                try await terminal.shows("the holder")
                terminal.type("\u{3}")
                terminal.enter("echo status $?.")
                try await terminal.shows("status 130.")
                #expect(try await client.children(lease.path).count == 1)
                await lease.release()
            }
        }
    }

    @Test func ctrlCWhileRunningReachesTheCommandOnce() async throws {
        try await inTerminal { terminal, _ in
            // In pieces, so that what is typed does not look like what is answered.
            let trap = "n=$((n+1)); echo in\"t\"errupted $n; test $n = 1 || exit 5"
            terminal.enter(
                "\"$ZKLOCK\" run /x -- bash -c 'trap \"\(trap.escaped)\" INT; echo be\"\"gun; while :; do sleep 0.05; done'"
            )
            try await terminal.shows("begun")
            terminal.type("\u{3}")
            try await terminal.shows("interrupted 1")
            // A second one for the same key would have come by now.
            try await Task.sleep(for: .milliseconds(300))
            #expect(!terminal.text.contains("interrupted 2"))
            terminal.type("\u{3}")
            try await terminal.shows("interrupted 2")
            terminal.enter("echo status $?.")
            try await terminal.shows("status 5.")
        }
    }

    @Test func theCommandHasTheTerminal() async throws {
        try await inTerminal { terminal, _ in
            terminal.enter(
                "\"$ZKLOCK\" run /x -- bash -c 'stty size; read -p \"na\"\"me? \" x < /dev/tty; echo hello $x'")
            try await terminal.shows("24 100")
            try await terminal.shows("name? ")
            terminal.enter("world")
            try await terminal.shows("hello world")
            terminal.enter("echo status $?.")
            // The shell has it again.
            try await terminal.shows("status 0.")
        }
    }

    @Test func aCommandInAPipeGetsTheTerminalWhenItAsks() async throws {
        try await inTerminal { terminal, _ in
            terminal.enter("\"$ZKLOCK\" run /x -- bash -c 'read -p \"na\"\"me? \" x < /dev/tty; echo hello $x' | cat")
            try await terminal.shows("name? ")
            terminal.enter("world")
            try await terminal.shows("hello world")
            terminal.enter("echo status ${PIPESTATUS[0]}.")
            try await terminal.shows("status 0.")
        }
    }

    @Test func ctrlZSuspendsAndFgGoesOn() async throws {
        try await inTerminal { terminal, configuration in
            terminal.enter("\"$ZKLOCK\" run /x -- bash -c 'echo be\"\"gun; read x; echo got $x'")
            try await terminal.shows("begun")
            terminal.type("\u{1a}")
            try await terminal.shows("Stopped")
            terminal.enter("echo prompt $((40 + 2)).")
            try await terminal.shows("prompt 42.")
            // Held all the same.
            try await ZooKeeperClient.with(configuration) { client in
                let queue = try await client.queue(of: NodePath("/x"))
                #expect(queue.entries.count == 1)
            }
            terminal.enter("fg")
            try await terminal.shows("run /x", times: 2)
            terminal.enter("something")
            try await terminal.shows("got something")
            terminal.enter("echo status $?.")
            try await terminal.shows("status 0.")
        }
    }

    @Test func whoIsSuspendedForTooLongHasLostTheLock() async throws {
        try await inTerminal { terminal, configuration in
            terminal.enter(
                "\"$ZKLOCK\" run --session-timeout 3s --kill-after 300ms /x -- bash -c 'echo be\"\"gun $$.; read x; echo g\"\"ot $x'"
            )
            try await terminal.shows("begun ")
            terminal.type("\u{1a}")
            try await terminal.shows("Stopped")
            try await ZooKeeperClient.with(configuration) { client in
                // The next one gets it when the session is over.
                let lease = try await client.lock("/x").acquire(timeout: .seconds(20))
                let pid = terminal.text.split(separator: "begun ").last.flatMap { pid_t($0.prefix { $0 != "." }) }
                let command = try #require(pid)
                #expect(!StubbornCommand.isAlive(command))
                await lease.release()
            }
            terminal.enter("fg")
            try await terminal.shows("asked to end")
            terminal.enter("echo status $?.")
            try await terminal.shows("status 123.")
            #expect(!terminal.text.contains("got "))
        }
    }
}

extension String {
    /// For use between double quotes in a shell.
    fileprivate var escaped: String { replacing("$", with: "\\$").replacing("\"", with: "\\\"") }
}
