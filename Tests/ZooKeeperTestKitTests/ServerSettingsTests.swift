import Testing

@testable import ZooKeeperTestKit

@Suite struct ServerSettingsTests {
    private func lines(_ configuration: TestServer.Configuration, dataDirectory: String = "/d/data") -> [String] {
        ServerSettings(configuration, port: 12345, dataDirectory: dataDirectory).text
            .split(separator: "\n").map(String.init)
    }

    @Test func `The defaults make a small local server`() {
        #expect(
            lines(.init()) == [
                "4lw.commands.whitelist=*", "admin.enableServer=false", "clientPort=12345",
                "clientPortAddress=127.0.0.1", "dataDir=/d/data", "extendedTypesEnabled=true", "forceSync=no",
                "maxClientCnxns=0", "tickTime=500",
            ]
        )
    }

    @Test func `Every property of the configuration reaches the file`() {
        var configuration = TestServer.Configuration()
        configuration.tickTime = .seconds(2)
        configuration.extendedTypes = false
        configuration.maxClientConnections = 7
        let lines = lines(configuration)
        #expect(lines.contains("tickTime=2000"))
        #expect(lines.contains("extendedTypesEnabled=false"))
        #expect(lines.contains("maxClientCnxns=7"))
    }

    @Test func `Additional settings win, without a second line of the same name`() {
        var configuration = TestServer.Configuration()
        configuration.additionalSettings = ["tickTime": "3000", "server.1": "127.0.0.1:2888:3888"]
        let lines = lines(configuration)
        #expect(lines.filter { $0.hasPrefix("tickTime") } == ["tickTime=3000"])
        #expect(lines.contains("server.1=127.0.0.1:2888:3888"))
    }

    @Test func `Java reads back what was meant`() {
        #expect(lines(.init(), dataDirectory: "/a\\b").contains("dataDir=/a\\\\b"))
        #expect(lines(.init(), dataDirectory: "/\u{e9}").contains("dataDir=/\\u00e9"))
        #expect(lines(.init(), dataDirectory: "/\u{1f512}").contains("dataDir=/\\ud83d\\udd12"))
        // A line break in a value must not become a setting of its own.
        #expect(lines(.init(), dataDirectory: "/a\nclientPort=1").contains("dataDir=/a\\u000aclientPort\\=1"))
    }

    @Test(arguments: [Duration.zero, .microseconds(900), .seconds(-1), .seconds(3_000_000)])
    func `A tick that the server cannot use is refused`(tick: Duration) {
        var configuration = TestServer.Configuration()
        configuration.tickTime = tick
        #expect(throws: TestKitError.self) { try configuration.validate() }
    }
}
