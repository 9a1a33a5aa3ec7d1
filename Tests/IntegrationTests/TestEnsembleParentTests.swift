import Glibc
import Testing

@testable import ZooKeeperTestKit

extension TestEnsembleTests {
    @Suite struct Parents {
        @Test func `Nothing is left when the process that started the ensemble is killed`() async throws {
            try await TestServerTraces.expectNone { environment in
                let parent = try #require(environment["TMPDIR"])
                let demonstration = try Self.start(
                    Self.program(), ["--ensemble", "--rounds", "1000"], directory: parent)
                // The members record their processes when they are launched.
                try await Self.until("three members run") {
                    let servers = TestServerTraces.processes(mentioning: "QuorumPeerMain")
                    return TestServerTraces.processes(mentioning: parent).count(where: servers.contains) == 3
                }
                #expect(kill(demonstration, SIGKILL) == 0)
                var status: Int32 = 0
                #expect(waitpid(demonstration, &status, 0) == demonstration)
                try await Self.until("all is gone") { TestServerTraces.processes(mentioning: parent).isEmpty }
            }
        }

        /// The demonstration stands where the tests do.
        private static func program() throws -> String {
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            let tests = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
            let directory = try #require(tests.lastIndex(of: "/")).utf16Offset(in: tests)
            return String(tests.prefix(directory)) + "/fair-queue"
        }

        private static func start(_ program: String, _ arguments: [String], directory: String) throws -> pid_t {
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
            let variables = EnvironmentVariables.current().merging(["TMPDIR": directory]) { $1 }
            let words = ([program] + arguments).map { strdup($0) } + [nil]
            let environment = variables.map { strdup("\($0)=\($1)") } + [nil]
            defer { for text in words + environment { free(text) } }
            var pid: pid_t = 0
            try #require(posix_spawn(&pid, program, &actions, nil, words, environment) == 0)
            return pid
        }

        private static func until(_ what: String, _ condition: () -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(30)
            while !condition() {
                try #require(ContinuousClock.now < deadline, "not after 30 seconds: \(what)")
                // Other processes tell nobody here when they start and end.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
