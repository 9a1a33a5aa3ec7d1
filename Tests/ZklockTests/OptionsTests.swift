import ArgumentParser
import Testing
import ZooKeeper

@testable import zklock

@Suite struct OptionsTests {
    @Test func aCommandLineIsRead() throws {
        let command = try #require(
            Zklock.parseAsRoot([
                "run", "--timeout", "1m30s", "--label", "x", "--kill-after", "500ms", "/a/b", "--", "ls", "-l", "--",
            ]) as? RunCommand)
        #expect(command.options.path.string == "/a/b")
        #expect(command.timeout == .seconds(90))
        #expect(command.options.killAfter == .milliseconds(500))
        #expect(command.options.command == ["ls", "-l", "--"])
    }

    @Test(
        arguments: [
            (["run", "/x"], "command"), (["run", "/x", "--"], "command"), (["run", "x", "--", "ls"], "'x' is no path"),
            (["run", "/", "--", "ls"], "cannot be a lock"),
            (["run", "--try", "--timeout", "1s", "/x", "--", "ls"], "--try"),
            (["run", "--conflict-exit-code", "256", "/x", "--", "ls"], "0 to 255"),
            (["run", "--kill-after", "5s", "--session-timeout", "20s", "/x", "--", "ls"], "a fifth"),
            (["run", "--session-timeout", "500ms", "/x", "--", "ls"], "1 second"),
            (["run", "--quiet", "--verbose", "/x", "--", "ls"], "both"),
            (["run", "--timeout", "soon", "/x", "--", "ls"], "soon"),
            (["run", "--shared", "--permits", "2", "/x", "--", "ls"], "both"),
            (["run", "--permits", "0", "/x", "--", "ls"], "1 or more"),
            (["run", "--permits", "2", "--recognize", "kazoo", "/x", "--", "ls"], "other libraries"),
            (["run", "--recognize", "flock", "/x", "--", "ls"], "kazoo"), (["elect", "/x"], "command"),
            (["elect", "--try", "/x", "--", "ls"], "--try"),
            (["elect", "--kill-after", "5s", "--session-timeout", "20s", "/x", "--", "ls"], "a fifth"),
            (["break", "/x"], "--token"), (["ls", "x"], "'x' is no path"),
        ] as [([String], String)])
    func whatIsWrongIsSaid(arguments: [String], text: String) {
        let error = #expect(throws: (any Error).self) { _ = try Zklock.parseAsRoot(arguments) }
        guard let error else { return }
        #expect(Zklock.fullMessage(for: error).contains(text), "\(Zklock.fullMessage(for: error))")
        #expect(Zklock.exitCode(for: error).rawValue == 64)
    }

    @Test func aCredentialIsANameAndAPassword() throws {
        #expect(
            try ConnectionOptions.credential("me:se:cret", from: "x") == .digest(user: "me", password: "se:cret"))
        #expect(throws: ValidationError.self) { _ = try ConnectionOptions.credential("me", from: "x") }
        #expect(throws: ValidationError.self) { _ = try ConnectionOptions.credential(":me", from: "x") }
    }
}
