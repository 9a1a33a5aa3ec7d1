import Testing

@testable import ZooKeeper

@Suite struct UpkeepTests {
    @Test func theStopMarginLeavesRoomInWhatTheServersAgreedTo() {
        var settings = Session.LeaseSettings()
        settings.stopMargin = .seconds(30)
        var upkeep = Session.Upkeep(settings, timeout: .seconds(120))
        #expect(upkeep.stopMargin == .seconds(30))
        // As shipped, servers allow no more.
        upkeep.clock.connected(timeout: .seconds(40))
        #expect(upkeep.stopMargin == .seconds(10))
    }
}
