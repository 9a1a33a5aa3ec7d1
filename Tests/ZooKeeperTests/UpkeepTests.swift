import Testing

@testable import ZooKeeper

@Suite struct UpkeepTests {
    @Test func theStopMarginLeavesRoomInWhatTheServersAgreedTo() {
        var settings = Session.LeaseSettings()
        settings.stopMargin = .seconds(30)
        var upkeep = Session.Upkeep(settings, timeout: .seconds(120))
        #expect(upkeep.pace.stopMargin == .seconds(30))
        // As shipped, servers allow no more.
        upkeep.connected(timeout: .seconds(40))
        #expect(upkeep.pace.stopMargin == .seconds(10))
    }

    /// One that waited for most of its timeout, which reads alone have filled, comes to be next in line: the lease of its entry ends soon.
    @Test func aWaiterThatComesToBeNextInLineProvesAtOnceAndTwice() {
        let timeout = Duration.seconds(12)
        var upkeep = Session.Upkeep(Session.LeaseSettings(), timeout: timeout)
        let start = Uptime.now
        func at(_ seconds: Double) -> Uptime { start + .seconds(seconds) }
        upkeep.clock.sawNoConnection(at: start)
        upkeep.connected(timeout: timeout)
        upkeep.clock.answered(from: at(0.1), to: at(0.2), isProof: true)
        for read in 1...4 {
            upkeep.lastQuestion = at(2 * Double(read))
            upkeep.clock.answered(from: at(2 * Double(read)), to: at(2 * Double(read) + 0.1), isProof: false)
        }
        #expect(upkeep.nextQuestion == at(10))
        _ = upkeep.add(Session.Stake(node: .root, onEnd: nil))
        let now = at(8.5)
        #expect(upkeep.nextQuestion.map { $0 <= now } ?? true)
        let before = upkeep.clock.validUntil
        upkeep.lastProof = now
        upkeep.clock.answered(from: now, to: at(8.6), isProof: true)
        #expect(upkeep.clock.validUntil == before)
        // Two proofs apart show more than the first alone.
        let second = upkeep.nextQuestion
        #expect(second.map { $0 > at(9.6) && $0 < at(9.8) } ?? false)
        upkeep.lastProof = at(9.7)
        upkeep.clock.answered(from: at(9.7), to: at(9.8), isProof: true)
        #expect(upkeep.clock.validUntil.map { $0 > at(15.9) } ?? false)
        // From here on they are a sixth of the timeout apart.
        #expect(upkeep.isFresh)
        #expect(upkeep.nextQuestion == at(11.7))
    }
}
