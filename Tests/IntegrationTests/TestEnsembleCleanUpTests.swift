import Glibc
import Testing

@testable import ZooKeeperTestKit

extension TestEnsembleTests {
    /// As those of one server, for several.
    @Suite struct CleanUp {
        private struct Failure: Error {}

        @Test func `Nothing is left of members in whatever state, and the body's error arrives`() async throws {
            try await TestServerTraces.expectNone { environment in
                await #expect(throws: Failure.self) {
                    try await TestEnsemble.with(environment: environment) { ensemble in
                        for member in ensemble.members {
                            #expect(!TestServerTraces.processes(mentioning: member.directory).isEmpty)
                        }
                        try ensemble.members[0].pause()
                        try await ensemble.members[1].kill()
                        throw Failure()
                    }
                }
            }
        }

        @Test func `Nothing is left when the task is cancelled in the body`() async throws {
            try await TestServerTraces.expectNone { environment in
                let (started, start) = AsyncStream<Void>.makeStream()
                let task = Task {
                    try await TestEnsemble.with(environment: environment) { _ in
                        start.finish()
                        try await Task.sleep(for: .seconds(3600))
                    }
                }
                for await _ in started {}
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
        }

        @Test(arguments: [0, 5, 50, 500])
        func `Nothing is left when the task is cancelled during the start`(milliseconds: Int) async throws {
            try await TestServerTraces.expectNone { environment in
                let task = Task {
                    try await TestEnsemble.with(environment: environment) { _ in
                        try await Task.sleep(for: .seconds(3600))
                    }
                }
                try await Task.sleep(for: .milliseconds(milliseconds))
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
        }

        @Test func `Nothing is left when a member cannot start`() async throws {
            try await TestServerTraces.expectNone { environment in
                var configuration = TestEnsemble.Configuration()
                configuration.member.additionalSettings = ["tickTime": "soon"]
                let error = await #expect(throws: TestKitError.self) {
                    try await TestEnsemble.with(configuration: configuration, environment: environment) { _ in }
                }
                #expect(error?.code == .exitedEarly)
                #expect(error?.description.contains("NumberFormatException") == true)
            }
        }
    }
}
