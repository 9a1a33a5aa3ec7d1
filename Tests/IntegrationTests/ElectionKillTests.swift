import FoundationEssentials
import Glibc
import Subprocess
import TestSupport
import Testing
import ZooKeeper
import ZooKeeperLocks
import ZooKeeperTestKit

/// Candidates in processes of their own; the leader is killed with SIGKILL again and again. `ELECTION_KILLS` says how often.
///
/// Each leader writes its token, every few milliseconds, to the end of one file. The order of its lines is that of what happened, without
/// anybody's clock: two leaders at a time would show as tokens that alternate.
@Suite(.weighty) struct ElectionKillTests {
    private static let kills = getenv("ELECTION_KILLS").flatMap { Int(String(cString: $0)) } ?? 4
    private static let sessionTimeout = Duration.seconds(2)
    private static let tick = Duration.milliseconds(500)

    @Test(.enabled(if: !Sanitizer.isOn, "a sanitizer makes every thread late"))
    func theLeaderIsKilledAgainAndAgain() async throws {
        var settings = TestServer.Configuration()
        settings.tickTime = Self.tick
        try await TestServer.with(settings) { server in
            try await withDirectory { directory in
                let file = "\(directory)/terms"
                let program = try BuiltProgram("leader-election")
                func candidate() -> Task<Void, any Error> {
                    Task { try await Self.candidate(program, server.connectString, file) }
                }
                var candidates = (0..<3).map { _ in candidate() }
                try await ZooKeeperClient.with(.quiet(server.connectString)) { client in
                    try await kill(client.election("/election"), file) { candidates.append(candidate()) }
                }
                for candidate in candidates { try await candidate.value }
            }
        }
    }

    /// One line of the file: a moment of somebody's leadership.
    private struct Moment: Hashable {
        var token: Int64
        var pid: pid_t
    }

    private func kill(_ election: LeaderElection, _ file: String, replace: () -> Void) async throws {
        var killed: Set<pid_t> = []
        var gaps: [Duration] = []
        var leader = try await self.leader(in: file, after: 0)
        for _ in 0..<Self.kills {
            _ = try await living(election, but: killed)
            while try moments(in: file).count(where: { $0 == leader }) < 50 {
                try await Task.sleep(for: .milliseconds(10))
            }
            // Whom the election names is who leads.
            let named = try #require(try await election.leader())
            #expect(named.fencingToken.rawValue == leader.token)
            #expect(named.owner?.pid == leader.pid)
            #expect(named.data == Array("\(leader.pid)".utf8))
            let start = ContinuousClock.now
            try #require(Glibc.kill(leader.pid, SIGKILL) == 0)
            killed.insert(leader.pid)
            replace()
            leader = try await self.leader(in: file, after: leader.token)
            gaps.append(.now - start)
        }
        for pid in try await living(election, but: killed) { _ = Glibc.kill(pid, SIGKILL) }

        let moments = try self.moments(in: file)
        let alternations = zip(moments, moments.dropFirst()).count { $0.token > $1.token }
        let leaders = Set(moments)
        print(
            "\(Self.kills) leaders killed: the next one led after \(gaps.min() ?? .zero) to \(gaps.max() ?? .zero);",
            "\(leaders.count) leaders, \(moments.count) moments, \(alternations) of them out of order")
        #expect(alternations == 0)
        #expect(Set(leaders.map(\.token)).count == leaders.count)
        #expect(leaders.count > Self.kills)
        #expect(gaps.allSatisfy { $0 <= Self.sessionTimeout + Self.tick + .seconds(1) }, "\(gaps)")
    }

    /// The candidates, when there are three again that live.
    private func living(_ election: LeaderElection, but killed: Set<pid_t>) async throws -> [pid_t] {
        for try await queue in election.client.queueChanges(of: election.path) {
            let living = queue.entries.compactMap { $0.owner?.pid }.filter { !killed.contains($0) }
            if living.count == 3 { return living }
        }
        throw CancellationError()
    }

    /// Who leads after that one, when it has begun to.
    private func leader(in file: String, after token: Int64) async throws -> Moment {
        while true {
            if let last = try moments(in: file).last, last.token > token { return last }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func moments(in file: String) throws -> [Moment] {
        guard let data = FileManager.default.contents(atPath: file) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, fields[1] == "leads", let token = Int64(fields[2]), let pid = pid_t(fields[0])
            else {
                return nil
            }
            return Moment(token: token, pid: pid)
        }
    }

    /// A process that stands for election until it is killed.
    private static func candidate(_ program: BuiltProgram, _ servers: String, _ file: String) async throws {
        let result = try await Subprocess.run(
            .name("env"),
            arguments: [
                program.path, "--servers", servers, "--election", "/election", "--session-timeout", "2s", "--every",
                "2ms",
                "--report", file,
            ],
            // Held open for as long as this process lives: its end is the end of the candidate.
            input: .inputWriter, output: .sequence, error: .currentStandardError
        ) { execution in
            for try await _ in execution.standardOutput.strings() {}
        }
        #expect(result.terminationStatus == .signaled(SIGKILL))
    }
}
