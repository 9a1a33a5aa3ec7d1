import Testing

@testable import ZooKeeperTestKit

@Suite struct JavaCommandTests {
    @Test func `The command keeps everything in the server's directory and lets the caller's options win`() throws {
        let all = FileQueries(exists: { _ in true }, isExecutable: { $0 == "/jre/java" })
        let installation = try ServerInstallation(environment: ["PATH": "/jre"], files: all)
        let files = ServerFiles(environment: ["TMPDIR": "/somewhere//"])
        var configuration = TestServer.Configuration()
        configuration.containerCheckInterval = .milliseconds(250)
        configuration.jvmOptions = ["-Xmx64m"]
        let words = JavaCommand(installation, configuration, files: files).words

        #expect(files.directory.hasPrefix("/somewhere/zookeeper-testkit-"))
        #expect(words.first == "/jre/java")
        #expect(words.last == files.directory + "/zoo.cfg")
        #expect(words.contains("-Dznode.container.checkIntervalMs=250"))
        #expect(words.contains("-Djava.io.tmpdir=" + files.directory))
        let own = try #require(words.firstIndex(of: "-Xmx256m"))
        let callers = try #require(words.firstIndex(of: "-Xmx64m"))
        #expect(own < callers)
    }
}
