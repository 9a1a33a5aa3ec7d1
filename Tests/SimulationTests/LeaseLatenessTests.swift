import Testing

extension SimulationTests {
    /// The lease clock against late pings of the leader and late relays of the followers, as fractions of the session timeout T. The tick is
    /// T/8; what happens in each schedule: members are cut off, and idle sessions acquire.
    @Suite(.serialized) struct LeaseLatenessTests {
        struct Lateness: Sendable, CustomTestStringConvertible {
            var isConfirmed: Bool
            /// In hundredths of T.
            var pings: Int64
            var relays: Int64
            /// Members are cut off for a while only, and all that was under way arrives then, at once.
            var stalls = false
            /// By the rule's word.
            var isPromised: Bool

            /// What a debug build tries.
            var isEveryday: Bool { isPromised && !stalls && (pings == 0) != (relays == 0) }

            var testDescription: String {
                "\(isConfirmed ? "confirmed" : "provisional") lease, pings late by \(Double(pings) / 100) T, relays by \(Double(relays) / 100) T\(stalls ? ", stalls" : "")"
            }

            func setting(seed: UInt64) -> Setting {
                var setting = Setting.leases(seed: seed)
                setting.confirmed = isConfirmed
                setting.chatter = 40
                if stalls { setting.shortestPartition = 0 }
                setting.pingLateness = 0...setting.timeout * pings / 100
                setting.relayLateness = 0...setting.timeout * relays / 100
                return setting
            }
        }

        static let cases: [Lateness] = [
            .init(isConfirmed: true, pings: 0, relays: 0, isPromised: true),
            .init(isConfirmed: true, pings: 30, relays: 0, isPromised: true),
            .init(isConfirmed: true, pings: 0, relays: 30, isPromised: true),
            .init(isConfirmed: true, pings: 10, relays: 10, isPromised: true),
            .init(isConfirmed: true, pings: 0, relays: 0, stalls: true, isPromised: true),
            .init(isConfirmed: true, pings: 15, relays: 0, stalls: true, isPromised: true),
            .init(isConfirmed: true, pings: 0, relays: 8, stalls: true, isPromised: true),
            .init(isConfirmed: true, pings: 0, relays: 30, stalls: true, isPromised: false),
            .init(isConfirmed: true, pings: 20, relays: 20, isPromised: false),
            .init(isConfirmed: true, pings: 30, relays: 30, isPromised: false),
            // T/3 less half a tick is 0.27 T.
            .init(isConfirmed: false, pings: 0, relays: 0, isPromised: true),
            .init(isConfirmed: false, pings: 10, relays: 10, isPromised: true),
            .init(isConfirmed: false, pings: 26, relays: 0, isPromised: true),
            .init(isConfirmed: false, pings: 0, relays: 26, isPromised: true),
            .init(isConfirmed: false, pings: 10, relays: 10, stalls: true, isPromised: false),
            .init(isConfirmed: false, pings: 30, relays: 0, isPromised: false),
            .init(isConfirmed: false, pings: 0, relays: 30, isPromised: false),
            .init(isConfirmed: false, pings: 20, relays: 20, isPromised: false),
            .init(isConfirmed: false, pings: 30, relays: 30, isPromised: false),
        ]

        @Test(arguments: Budget.isFull ? cases : cases.filter(\.isEveryday))
        func staysWithinItsWord(lateness: Lateness) async {
            var campaign = Campaign { lateness.setting(seed: $0) }
            campaign.stopsAtFirst = false
            let tally = await campaign.run(Budget.seeds ?? 1..<(Budget.isFull ? 121 : 2))
            print(
                lateness.isPromised ? "promised:" : "residual:",
                "\(lateness.testDescription): \(tally.failures.count) of \(tally.schedules) schedules with a session that ended",
                "too early (\(tally.sessionsEnded) ended)")
            guard lateness.isPromised, let failure = tally.failures.first else { return }
            print(await campaign.story(seed: failure.seed).split(separator: "\n").suffix(80).joined(separator: "\n"))
            Issue.record("seed \(failure.seed): \(failure.verdicts)")
        }
    }
}
