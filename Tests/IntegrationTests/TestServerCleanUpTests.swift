import Glibc
import Testing

@testable import ZooKeeperTestKit

@Suite(.weighty) struct TestServerCleanUpTests {
    private struct Failure: Error {}

    @Test func `Nothing is left after a body that returns`() async throws {
        try await TestServerTraces.expectNone { environment in
            try await TestServer.with(.init(), environment: environment) { server in
                #expect(!TestServerTraces.processes(mentioning: server.directory).isEmpty)
            }
        }
    }

    @Test func `Nothing is left after a body that throws, and its error arrives`() async throws {
        try await TestServerTraces.expectNone { environment in
            await #expect(throws: Failure.self) {
                try await TestServer.with(.init(), environment: environment) { _ in throw Failure() }
            }
        }
    }

    @Test func `Nothing is left of a paused or killed server`() async throws {
        try await TestServerTraces.expectNone { environment in
            try await TestServer.with(.init(), environment: environment) { try $0.pause() }
            try await TestServer.with(.init(), environment: environment) { try await $0.kill() }
        }
    }

    @Test func `Nothing is left when the task is cancelled in the body`() async throws {
        try await TestServerTraces.expectNone { environment in
            let (started, start) = AsyncStream<Void>.makeStream()
            let task = Task {
                try await TestServer.with(.init(), environment: environment) { _ in
                    start.finish()
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            for await _ in started {}
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    // The delays reach every phase of a start: before the guardian, at the launch, and while the server comes up.
    @Test(arguments: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256])
    func `Nothing is left when the task is cancelled during the start`(milliseconds: Int) async throws {
        try await TestServerTraces.expectNone { environment in
            let task = Task {
                try await TestServer.with(.init(), environment: environment) { _ in
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            try await Task.sleep(for: .milliseconds(milliseconds))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `Nothing is left when the start fails, and the error has the log`() async throws {
        try await TestServerTraces.expectNone { environment in
            var configuration = TestServer.Configuration()
            configuration.additionalSettings = ["tickTime": "soon"]
            let error = await #expect(throws: TestKitError.self) {
                try await TestServer.with(configuration, environment: environment) { _ in }
            }
            #expect(error?.code == .exitedEarly)
            #expect(error?.description.contains("NumberFormatException") == true)
        }
    }

    @Test func `A taken port is recognised, and nothing is left of the attempts`() async throws {
        try await TestServerTraces.expectNone { environment in
            try await TestServer.with(.init(), environment: environment) { first in
                var configuration = TestServer.Configuration()
                configuration.additionalSettings = ["clientPort": String(first.port)]
                let error = await #expect(throws: TestKitError.self) {
                    try await TestServer.with(configuration, environment: environment) { _ in }
                }
                #expect(error?.code == .addressInUse)
                let answer = try await first.fourLetterWord("ruok")
                #expect(answer == "imok")
            }
        }
    }

    @Test func `Nothing is left when the server is too slow`() async throws {
        try await TestServerTraces.expectNone { environment in
            var configuration = TestServer.Configuration()
            configuration.startTimeout = .milliseconds(1)
            let error = await #expect(throws: TestKitError.self) {
                try await TestServer.with(configuration, environment: environment) { _ in }
            }
            #expect(error?.code == .notReady)
        }
    }

    @Test func `Nothing is left when the guardian was killed`() async throws {
        try await TestServerTraces.expectNone { environment in
            try await TestServer.with(.init(), environment: environment) { server in
                let guardians = TestServerTraces.processes(mentioning: "zookeeper-testkit-guardian")
                let own = TestServerTraces.processes(mentioning: server.directory).filter(guardians.contains)
                #expect(own.count == 1)
                for pid in own { #expect(Glibc.kill(pid, SIGKILL) == 0) }
            }
        }
    }

    @Test func `The guardian kills nobody whose number was recorded by mistake`() async throws {
        try await TestServerTraces.expectNone { environment in
            try await TestServer.with(.init(), environment: environment) { server in
                // As if the server's number had gone to this process: it must live on to end the test.
                try ServerFiles.write("\(getpid())\n", to: server.directory + "/stale.pid")
            }
        }
    }

    @Test func `Without Java the error names what installs it`() async throws {
        try await TestServerTraces.expectNone { environment in
            let bare = environment.merging(["PATH": "/nonexistent", "JAVA_HOME": "/nonexistent"]) { $1 }
                .filter { $0.key != "ZOOKEEPER_JAVA" }
            let error = await #expect(throws: TestKitError.self) {
                try await TestServer.with(.init(), environment: bare) { _ in }
            }
            #expect(error?.code == .javaMissing)
            #expect(error?.description.contains("apt-get install default-jre-headless libzookeeper-java") == true)
            #expect(error?.description.contains("./zk-config/setup") == true)
        }
    }

    @Test func `An unusable temporary directory is named`() async throws {
        let environment = EnvironmentVariables.current().merging(["TMPDIR": "/nonexistent"]) { $1 }
        let error = await #expect(throws: TestKitError.self) {
            try await TestServer.with(.init(), environment: environment) { _ in }
        }
        #expect(error?.code == .directoryUnusable)
        #expect(error?.description.contains("/nonexistent/zookeeper-testkit-") == true)
        #expect(error?.description.contains("No such file or directory") == true)
    }

    @Test func `A server that escapes its scope cannot be started again`() async throws {
        let server = try await TestServer.with { $0 }
        let error = await #expect(throws: TestKitError.self) { try await server.restart() }
        #expect(error?.code == .notRunning)
        #expect(!TestServerTraces.exists(server.directory))
    }
}
