import Testing
import ZooKeeper

@testable import ZooKeeperLocks

extension SimulationTests {
    /// Every state that small worlds can come to.
    @Suite(.serialized) struct ExhaustiveTests {
        struct Case: Sendable, CustomTestStringConvertible {
            var title: String
            var bounds: SmallWorld.Bounds
            /// Few enough for a debug build.
            var isSmall = false
            var testDescription: String { title }
        }

        /// Whoever was alone once counts on it.
        static let eager: Vacancy.Rules = {
            var rules = Vacancy.Rules()
            rules.patience = 0
            return rules
        }()

        static let cases: [Case] = [
            Case(
                title: "2 clients, 1 lost connection", bounds: .init(clients: [0, 1], breaks: 1, givingUp: 0, lag: 2),
                isSmall: true),
            Case(
                title: "2 clients, 1 lost connection, 1 gives up",
                bounds: .init(clients: [0, 1], breaks: 1, givingUp: 1, lag: 3)),
            Case(
                title: "2 clients, 1 lost connection, 1 session expires",
                bounds: .init(clients: [0, 1], breaks: 1, expiries: 1, givingUp: 0, lag: 2)),
            Case(
                title: "2 clients, no parent, 1 removal of the path",
                bounds: .init(clients: [0, 1], breaks: 0, givingUp: 1, reapings: 1, lag: 3, hasParent: false)),
            Case(
                title: "2 clients, 1 node deleted by hand, 1 lost connection",
                bounds: .init(clients: [0, 1], breaks: 1, givingUp: 0, deletions: 1, lag: 2)),
            Case(
                title: "2 contenders of one session, 1 lost connection, 1 session expires, 1 gives up",
                bounds: .init(clients: [0, 0], breaks: 1, expiries: 1, givingUp: 1, lag: 3)),
            Case(
                title: "2 contenders of one session and 1 of another",
                bounds: .init(clients: [0, 0, 1], breaks: 0, givingUp: 1, lag: 2)),
            Case(
                title: "3 contenders of one session, 1 lost connection, 1 node deleted by hand",
                bounds: .init(clients: [0, 0, 0], breaks: 1, givingUp: 0, deletions: 1, lag: 1)),
            Case(
                title: "3 contenders of one session, 1 lost connection, 1 gives up",
                bounds: .init(clients: [0, 0, 0], breaks: 1, givingUp: 1, lag: 1)),
            Case(
                title: "a writer that becomes a reader, and a writer; 1 lost connection",
                bounds: .init(
                    clients: [0, 1], breaks: 1, givingUp: 0, lag: 2, policies: [.write, .write], downgrades: 1)),
            Case(
                title: "a writer that becomes a reader, and a writer",
                bounds: .init(
                    clients: [0, 1], breaks: 0, givingUp: 0, lag: 2, policies: [.write, .write], downgrades: 1),
                isSmall: true),
            Case(
                title: "a writer that becomes a reader, and a writer of the same session",
                bounds: .init(
                    clients: [0, 0], breaks: 0, givingUp: 0, lag: 2, policies: [.write, .write], downgrades: 1),
                isSmall: true),
            Case(
                title: "a writer that becomes a reader, and a reader; 1 session expires",
                bounds: .init(
                    clients: [0, 1], breaks: 0, expiries: 1, givingUp: 0, lag: 2, policies: [.write, .read],
                    downgrades: 1)),
            Case(
                title: "2 writers, of whom 1 may become a reader, and 1 reader",
                bounds: .init(
                    clients: [0, 1, 2], breaks: 0, givingUp: 0, lag: 1, policies: [.write, .write, .read],
                    downgrades: 1)),
            Case(
                title: "a semaphore of 1, 2 clients, 1 lost connection, 1 gives up",
                bounds: .init(
                    clients: [0, 1], breaks: 1, givingUp: 1, lag: 2,
                    policies: [.permits(1, of: 1), .permits(1, of: 1)])),
            Case(
                title: "a semaphore of 2, 3 clients of which 1 wants both",
                bounds: .init(
                    clients: [0, 1, 2], breaks: 0, givingUp: 0, lag: 2,
                    policies: [.permits(2, of: 2), .permits(1, of: 2), .permits(1, of: 2)])),
            Case(
                title: "2 clients, of which 1 has just been alone, 1 lost connection, 1 removal of the path",
                bounds: .init(
                    clients: [0, 1], breaks: 1, givingUp: 0, reapings: 1, lag: 2, vacancy: eager, hasJustLeft: true)),
            Case(
                title: "2 clients, of which 1 has just been alone, 1 removal of the path",
                bounds: .init(
                    clients: [0, 1], breaks: 0, givingUp: 0, reapings: 1, lag: 2, vacancy: eager, hasJustLeft: true),
                isSmall: true),
            Case(
                title: "2 contenders of one session that has just been alone, and 1 of another; 1 removal of the path",
                bounds: .init(
                    clients: [0, 0, 1], breaks: 0, givingUp: 0, reapings: 1, lag: 2, vacancy: eager, hasJustLeft: true)
            ),
            Case(
                title:
                    "2 contenders of one session that has just been alone; 1 lost connection, 1 gives up",
                bounds: .init(
                    clients: [0, 0], breaks: 1, givingUp: 1, reapings: 1, lag: 2, vacancy: eager,
                    hasJustLeft: true)),
            Case(
                title: "2 clients, of which 1 has just been alone, 1 node deleted by hand, 1 removal of the path",
                bounds: .init(
                    clients: [0, 1], breaks: 0, givingUp: 1, deletions: 1, reapings: 1, lag: 2, vacancy: eager,
                    hasJustLeft: true)),
            Case(
                title: "a writer that becomes a reader, of a session that has just been alone, and a writer",
                bounds: .init(
                    clients: [0, 0, 1], breaks: 0, givingUp: 0, lag: 1, policies: [.write, .write, .write],
                    downgrades: 1, vacancy: eager, hasJustLeft: true)),
            Case(
                title: "2 readers and 1 writer of one session that has just been alone",
                bounds: .init(
                    clients: [0, 0, 0], breaks: 0, givingUp: 0, lag: 2, policies: [.read, .read, .write],
                    vacancy: eager, hasJustLeft: true)),
            Case(title: "3 clients, 1 gives up", bounds: .init(clients: [0, 1, 2], breaks: 0, givingUp: 1, lag: 2)),
        ]

        @Test func everyStateIsSound() async {
            var sum = 0
            let start = ContinuousClock.now
            for search in Self.cases where Budget.isFull || search.isSmall {
                let began = ContinuousClock.now
                let outcome = await Explorer.explore(search.bounds)
                sum += outcome.states
                print(
                    "\(search.title), servers at most \(search.bounds.lag) writes behind: \(outcome.states) states,",
                    "\(outcome.transitions) steps, depth \(outcome.depth), \(ContinuousClock.now - began)",
                    outcome.grantsWithoutList > 0 ? "\(outcome.grantsWithoutList) grants without a list" : "",
                    outcome.watchesJoined > 0 ? "\(outcome.watchesJoined) watches shared" : "")
                #expect((outcome.grantsWithoutList > 0) == search.bounds.hasJustLeft)
                let clients = search.bounds.clients
                #expect((outcome.watchesJoined > 0) == (Set(clients).count < clients.count))
                #expect(outcome.isComplete || outcome.violation != nil)
                if let violation = outcome.violation {
                    Issue.record(
                        """
                        \(search.title): \(violation.verdict)
                        \(Explorer.story(search.bounds, .sound, violation.steps))
                        """)
                }
            }
            print("\(sum) states in \(ContinuousClock.now - start)")
            if Budget.isFull { #expect(sum >= 1_000_000) }
        }

        /// Each rule of the recipes is left out, and the search has to notice.
        @Test func whatTheRecipesRestOn() async {
            var readers = QueueRules.sound
            readers.readsPastWriters = true
            var one = QueueRules.sound
            one.watchesOneHolder = true
            var silent = QueueRules.sound
            silent.forgetsPoke = true
            let single = QueuePolicy.permits(1, of: 2)
            let cases: [(title: String, rules: QueueRules, policies: [QueuePolicy])] = [
                ("reader that ignores a writer ahead", readers, [.write, .read]),
                ("head of the semaphore that watches only one holder", one, [single, single, single]),
                ("poke omitted", silent, [.permits(2, of: 2), single, single]),
            ]
            for (title, rules, policies) in cases {
                let bounds = SmallWorld.Bounds(
                    clients: policies.map { _ in 0 }, breaks: 0, givingUp: 0, lag: 1, policies: policies)
                await expectViolation(title, bounds, rules)
            }
        }

        private func expectViolation(_ title: String, _ bounds: SmallWorld.Bounds, _ rules: QueueRules) async {
            let outcome = await Explorer.explore(bounds, rules: rules, limit: 400_000)
            print("\(title): \(outcome.violation?.verdict ?? "not caught") in \(outcome.states) states")
            #expect(outcome.violation != nil, "\(title)")
        }

        /// Each rule that a saved listing rests on is left out, and the search has to notice.
        @Test func whatASavedListingRestsOn() async {
            var gaps = Self.eager
            gaps.ignoresGaps = true
            var parents = Self.eager
            parents.trustsAnyParent = true
            var connections = Self.eager
            connections.outlivesConnections = true
            var holders = QueueRules.sound
            holders.takesHoldersForFirst = true
            func bounds(_ rules: Vacancy.Rules, breaks: Int = 0, reapings: Int = 0) -> SmallWorld.Bounds {
                SmallWorld.Bounds(
                    clients: [0, 1], breaks: breaks, givingUp: 0, reapings: reapings, lag: 1, vacancy: rules,
                    hasJustLeft: true)
            }
            let cases: [(title: String, rules: QueueRules, bounds: SmallWorld.Bounds)] = [
                ("somebody came between", .sound, bounds(gaps)),
                ("another parent of that name", .sound, bounds(parents, reapings: 1)),
                ("a watch of the connection before", .sound, bounds(connections, breaks: 1, reapings: 1)),
                (
                    "a reader beside others",
                    holders,
                    SmallWorld.Bounds(
                        clients: [0, 0, 0], breaks: 0, givingUp: 0, lag: 1, policies: [.read, .read, .write],
                        vacancy: Self.eager, hasJustLeft: true)
                ),
            ]
            for (title, rules, bounds) in cases { await expectViolation(title, bounds, rules) }
        }

        /// Whoever shares a watch that may not come to be is never told of anything.
        @Test func onlyWatchesThatAreSetAreShared() async {
            var bounds = SmallWorld.Bounds(clients: [0, 0, 0], breaks: 0, givingUp: 1, lag: 1)
            bounds.joinsWatchesTooEarly = true
            await expectViolation("a watch that was asked for", bounds, .sound)
        }

        /// An event that comes ahead of the news that the watch is set is taken for one of an earlier watch.
        @Test func thatAWatchIsSetIsToldAheadOfItsEvents() async {
            var bounds = SmallWorld.Bounds(clients: [0, 0], breaks: 0, givingUp: 1, lag: 1)
            #expect(await Explorer.explore(bounds).violation == nil)
            bounds.tellsOfWatchesLate = true
            await expectViolation("an event ahead of the news of its watch", bounds, .sound)
        }

        /// The order of clients may be left out of account: it saves states, and changes nothing.
        @Test func interchangeableClientsAreCountedOnce() async {
            var bounds = SmallWorld.Bounds(clients: [0, 1], breaks: 0, givingUp: 1, lag: 2)
            let less = await Explorer.explore(bounds).states
            bounds.isSymmetric = false
            let more = await Explorer.explore(bounds).states
            // Half of them, and those that look the same from both sides.
            #expect(less * 2 >= more && less * 2 < more + more / 20, "\(less) of \(more)")
        }
    }
}
