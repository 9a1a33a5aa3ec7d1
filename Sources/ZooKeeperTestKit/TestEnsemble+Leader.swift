extension TestEnsemble {
    /// The member that leads. Waits until one member leads and others that serve make a quorum with it.
    ///
    /// Members know of a fault only after a moment, so right after one this may still be the leader from before. One that
    /// was killed or is paused never is.
    ///
    /// - Parameter timeout: How long to wait.
    /// - Throws: `noLeader` when there is none within `timeout`, and `CancellationError`.
    public func leader(timeout: Duration = .seconds(30)) async throws -> TestServer {
        try await quorum(timeout: timeout).leader
    }

    /// The members that follow the leader, in the order of their numbers. Waits until there is a leader.
    ///
    /// - Parameter timeout: How long to wait.
    /// - Throws: As ``leader(timeout:)`` does.
    public func followers(timeout: Duration = .seconds(30)) async throws -> [TestServer] {
        try await quorum(timeout: timeout).followers
    }

    private func quorum(timeout: Duration) async throws -> (leader: TestServer, followers: [TestServer]) {
        let deadline = ContinuousClock.now + timeout
        while true {
            let modes = await modes()
            try Task.checkCancellation()
            let leaders = modes.filter { $0.mode == "leader" }.map(\.member)
            let followers = modes.filter { $0.mode == "follower" }.map(\.member)
            // A leader that was paused takes a moment to see that another one leads.
            if let leader = leaders.first, leaders.count == 1, 1 + followers.count > members.count / 2 {
                return (leader, followers)
            }
            guard ContinuousClock.now < deadline else {
                let found = modes.map { "\($0.member.connectString) \($0.mode ?? "does not serve")" }
                throw TestKitError(
                    .noLeader,
                    "No member led a quorum within \(timeout): " + found.joined(separator: ", ") + ".",
                    logTail: members.first?.logTail
                )
            }
            // An ensemble has no way to tell that it has a leader; it must be asked.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// What each member says that it is now, in the order of their numbers.
    private func modes() async -> [(member: TestServer, mode: String?)] {
        let modes = await withTaskGroup { group in
            for (index, member) in members.enumerated() {
                group.addTask { (index, await member.mode()) }
            }
            return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
        }
        return members.enumerated().map { ($1, modes[$0]) }
    }
}
