import Testing

@testable import ZooKeeper

/// Times in seconds, with a session timeout of 12 s: the relay allowance is 3 s, two proofs have to be 1 s apart.
@Suite struct LeaseClockTests {
    struct Moment: InstantProtocol {
        var seconds: Double
        func advanced(by duration: Duration) -> Moment { Moment(seconds: seconds + duration / .seconds(1)) }
        func duration(to other: Moment) -> Duration { .seconds(other.seconds - seconds) }
        static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.seconds < rhs.seconds }
    }

    struct Story {
        var clock: LeaseClock<Moment>

        init(timeout: Double = 12, tick: Duration? = nil, rules: LeaseClock<Moment>.Rules = .sound) {
            var configuration = LeaseClock<Moment>.Configuration()
            configuration.drift = 0
            configuration.tick = tick
            clock = LeaseClock(timeout: .seconds(timeout), configuration: configuration, rules: rules)
        }

        mutating func connect(downAt: Double, timeout: Double = 12) {
            clock.sawNoConnection(at: Moment(seconds: downAt))
            clock.connected(timeout: .seconds(timeout))
        }
        mutating func read(_ start: Double, _ end: Double) {
            clock.answered(from: Moment(seconds: start), to: Moment(seconds: end), isProof: false)
        }
        mutating func write(_ start: Double, _ end: Double) {
            clock.answered(from: Moment(seconds: start), to: Moment(seconds: end), isProof: true)
        }
        var validUntil: Double? { clock.validUntil?.seconds }
        var confirmedUntil: Double? { clock.confirmedUntil?.seconds }

        /// Connected at 0, and reading every second since.
        static func lively(until end: Int, rules: LeaseClock<Moment>.Rules = .sound) -> Story {
            var story = Story(rules: rules)
            story.connect(downAt: 0)
            for second in 1...end { story.read(Double(second), Double(second) + 0.1) }
            return story
        }
    }

    @Test func nothingIsBelievedWithoutAProof() {
        let story = Story.lively(until: 20)
        #expect(story.validUntil == nil)
        #expect(story.confirmedUntil == nil)
    }

    @Test func theFirstProofAfterTheHandshakeCountsFromBeforeTheHandshake() {
        var story = Story()
        story.connect(downAt: 5)
        story.write(5.5, 5.6)
        #expect(story.validUntil == 17)
        #expect(story.confirmedUntil == 17)
    }

    @Test func oneProofOfALivelySessionIsProvisional() {
        var story = Story.lively(until: 20)
        story.write(20.5, 20.6)
        // Answered by 20.5 - 4: what was asked at 16.
        #expect(story.validUntil == 28)
        #expect(story.confirmedUntil == 12)
    }

    @Test func theSecondProofConfirmsTheFirst() {
        var story = Story.lively(until: 20)
        story.write(20.5, 20.6)
        story.write(21.5, 21.7)
        #expect(story.confirmedUntil == 12)
        story.write(21.7, 21.8)
        // The first proof was sent at 20.5; answered by 17.5: what was asked at 17.
        #expect(story.confirmedUntil == 29)
        #expect(story.validUntil == 29)
    }

    @Test func aRunningLeaseIsStretchedByConfirmationOnly() {
        var story = Story.lively(until: 20)
        story.write(20.5, 20.6)
        for second in 21...24 { story.read(Double(second), Double(second) + 0.1) }
        story.write(24.5, 24.6)
        #expect(story.validUntil == 29)
    }

    @Test func aKnownTickMakesTheAllowanceSmaller() {
        var story = Story(tick: .seconds(2))
        #expect(story.clock.relayAllowance == .seconds(1))
        story.connect(downAt: 0)
        for second in 1...20 { story.read(Double(second), Double(second) + 0.1) }
        story.write(20.5, 20.6)
        #expect(story.validUntil == 30)
    }

    @Test func aTickOfMoreThanHalfTheTimeoutIsNotBelieved() {
        #expect(Story(tick: .seconds(60)).clock.relayAllowance == .seconds(3))
    }

    @Test func afterASilenceOneProofIsNotEnough() {
        var story = Story()
        story.connect(downAt: 0)
        story.read(1, 1.1)
        story.write(20, 20.1)
        #expect(story.validUntil == 12)
        story.write(22, 22.1)
        #expect(story.validUntil == 13)
        story.write(25, 25.1)
        #expect(story.validUntil == 32)
    }

    @Test func aReconnectCountsFromWhenThereWasSurelyNoConnection() {
        var story = Story.lively(until: 20)
        story.write(20.5, 20.6)
        story.clock.disconnected()
        story.clock.sawNoConnection(at: Moment(seconds: 23))
        story.clock.connected(timeout: .seconds(12))
        #expect(story.validUntil == 28)
        story.write(24, 24.1)
        #expect(story.confirmedUntil == 35)
    }

    @Test func answersWithoutAConnectionDoNotCount() {
        var story = Story.lively(until: 20)
        story.clock.disconnected()
        story.write(20.9, 21.1)
        #expect(story.validUntil == nil)
    }

    @Test func aShorterTimeoutShortensWhatIsBelieved() {
        var story = Story.lively(until: 20)
        story.write(20.5, 20.6)
        story.clock.disconnected()
        story.clock.connected(timeout: .seconds(6))
        #expect(story.validUntil == 22)
        story.clock.disconnected()
        story.clock.connected(timeout: .seconds(12))
        #expect(story.validUntil == 22)
    }

    @Test func theDriftShortensTheLease() {
        var configuration = LeaseClock<Moment>.Configuration()
        configuration.drift = 0.25
        var clock = LeaseClock<Moment>(timeout: .seconds(12), configuration: configuration)
        clock.sawNoConnection(at: Moment(seconds: 0))
        clock.connected(timeout: .seconds(12))
        clock.answered(from: Moment(seconds: 1), to: Moment(seconds: 2), isProof: true)
        #expect(clock.validUntil == Moment(seconds: 9))
    }

    @Test func thousandsOfAnswersTakeLittleRoomAndMakeTheLeaseLittleShorter() {
        var story = Story()
        story.connect(downAt: 0)
        for count in 1...40_000 { story.read(Double(count) / 1000, Double(count) / 1000 + 0.0005) }
        #expect(story.clock.activities.count <= 66)
        story.write(40.5, 40.6)
        let until = story.validUntil ?? 0
        #expect(until <= 48.5 && until > 48.5 - 0.4)
    }

    @Test(arguments: [0, 1, 2, 3]) func everyRuleLeftOutMakesTheLeaseLonger(rule: Int) {
        func until(_ rules: LeaseClock<Moment>.Rules) -> Double {
            var story = Story.lively(until: 20, rules: rules)
            if rule != 2 { story.write(20.5, 20.6) }
            story.read(21, 24)
            return (rule == 0 ? story.confirmedUntil : story.validUntil) ?? 0
        }
        var broken = LeaseClock<Moment>.Rules.sound
        switch rule {
        case 0: broken.confirmsByTwoProofs = false
        case 1: broken.countsFromTheStart = false
        case 2: broken.provesByWritesOnly = false
        default: broken.allowsForRelay = false
        }
        #expect(until(broken) > until(.sound))
    }
}
