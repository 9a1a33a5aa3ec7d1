import Testing

@testable import ZooKeeperLocks

@Suite struct ExhaustiveTests {
    @Test func measure() async throws {
        var list: [(String, SmallWorld.Bounds)] = []
        list.append(("2, nothing", .init(clients: [0, 1], breaks: 0, givingUp: 0, lag: 3)))
        list.append(("2, break", .init(clients: [0, 1], breaks: 1, givingUp: 0, lag: 3)))
        list.append(("2, break, giving up", .init(clients: [0, 1], breaks: 1, givingUp: 1, lag: 3)))
        list.append(("2, expiry", .init(clients: [0, 1], breaks: 0, expiries: 1, givingUp: 0, lag: 3)))
        list.append(("2 same session, expiry, break", .init(clients: [0, 0], breaks: 1, expiries: 1, givingUp: 1, lag: 3)))
        list.append(("3, nothing", .init(clients: [0, 1, 2], breaks: 0, givingUp: 0, lag: 2)))
        list.append(("3, giving up", .init(clients: [0, 1, 2], breaks: 0, givingUp: 1, lag: 2)))
        for (title, bounds) in list {
            let start = ContinuousClock.now
            let outcome = await Explorer.explore(bounds, limit: 1_500_000)
            print(title, "states", outcome.states, outcome.transitions, outcome.depth, outcome.isComplete, ContinuousClock.now - start)
            if let violation = outcome.violation {
                print(violation.verdict)
                print(Explorer.story(bounds, .sound, violation.steps))
                break
            }
        }
    }
}
