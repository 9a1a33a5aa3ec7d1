import Testing

@testable import ZooKeeper

@Suite struct StatusTests {
    /// Seen from a server 3.8.0 in the middle of an expiry, in an answer to a read.
    @Test func aSessionThatTheServerHasForgottenIsOver() {
        #expect(Refusal(status: -12).code == .sessionExpired)
    }

    @Test func whatNobodyKnowsIsKeptAsItIs() {
        #expect(Refusal(status: -199) == Refusal(code: .server(-199), mayBeExecuted: false))
        #expect(Refusal(status: -42) == Refusal(code: .server(-42), mayBeExecuted: true))
    }
}
