import TestSupport
import Testing
import ZooKeeperTestKit

/// A client that cannot work costs next to nothing. Each test has a process to itself, so that no other test counts.
@Suite(
    .runsInOwnProcess, .enabled(if: !Sanitizer.isOn, "a sanitizer costs more than what is measured"))
struct IdleCostTests {
    @Test func withoutAnAnswer() async {
        await #expect(processExitsWith: .success) {
            try await IdleCost.measure(["127.0.0.1:1", "nosuch.invalid:2181"], [.silent, .closesAtOnce, .tls, .redis])
        }
    }

    @Test func withAnotherProtocol() async {
        await #expect(processExitsWith: .success) {
            try await IdleCost.measure([], [.http, .ssh, .zeroes, .ones, .random(seed: 1), .random(seed: 2)])
        }
    }

    @Test func withASessionThatLeadsNowhere() async {
        await #expect(processExitsWith: .success) {
            try await IdleCost.measure(
                [],
                [
                    .handshake("a session and then silence"), .handshake("a session and then the end", closes: true),
                ], connections: 100)
        }
    }

    @Test func whenTheServerIsGone() async {
        await #expect(processExitsWith: .success) {
            try await TestServer.with { server in
                try await IdleCost.measure(connectedTo: server) { try server.pause() }
                try await server.restart()
                try await IdleCost.measure(connectedTo: server) { try await server.kill() }
                try await server.restart()
                try await IdleCost.measure(connectedTo: server, andThen: .http) { try await server.kill() }
            }
        }
    }
}
