import Dispatch
import Locking
import Logging
import Testing

@testable import ZooKeeper

@Suite(.timeLimit(.minutes(5))) struct SessionListingTests {
    private let path = NodePath(unchecked: "/lock")

    /// What each who asked was told, in order.
    private final class Told: Sendable {
        let answers = Locked<[String]>([])

        func handler(_ name: String) -> Session.ListHandler {
            { result in
                let answer =
                    switch result {
                    case .success(let list): list.names.joined(separator: ",")
                    case .failure(let failure): "\(failure.code)"
                    }
                self.answers.withLock { $0.append("\(name): \(answer)") }
            }
        }

        var all: [String] { answers.withLock { $0 } }
    }

    private func list(
        _ session: Session, _ told: Told, _ name: String, joining: Bool = false,
        within patience: Duration = .seconds(60)
    ) {
        session.list(path, within: patience, joining: joining, handler: told.handler(name))
    }

    @Test func whoAsksWhileOneIsUnderWaySharesTheNext() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        list(session, told, "first")
        session.submit(.create(path, data: [], mode: .persistent, acl: [.open]), deadline: .now + .seconds(60)) { _ in }
        for name in ["second", "third"] { list(session, told, name) }
        list(session, told, "joining", joining: true)
        try #require(transport.areListings == [true, false])
        session.complete(transport.ids[0], .success(.children(["a"], Stat())))
        #expect(told.all == ["first: a", "joining: a"])
        try #require(transport.areListings == [true, false, true])
        session.complete(transport.ids[1], .success(.done))
        session.complete(transport.ids[2], .success(.children(["b"], Stat())))
        #expect(told.all.suffix(2) == ["second: b", "third: b"])
        #expect(session.core.withLock { $0.listings.isEmpty })
        list(session, told, "fourth", joining: true)
        #expect(transport.ids.count == 4)
        session.end(.closed)
    }

    @Test func aListingThatFailsIsNotTheNextOnes() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        for name in ["first", "second"] { list(session, told, name) }
        session.complete(transport.ids[0], .failure(Refusal(code: .connectionLost, mayBeExecuted: true)))
        #expect(told.all == ["first: \(ZooKeeperError.Code.connectionLost)"])
        try #require(transport.ids.count == 2)
        session.complete(transport.ids[1], .success(.children([], Stat())))
        #expect(told.all.count == 2)
        #expect(session.core.withLock { $0.listings.isEmpty })
        session.end(.closed)
    }

    /// Also those that ask in the very handler that is told.
    @Test func theEndOfTheSessionIsToldToAllOnce() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        session.list(path, within: .seconds(60)) { [path] _ in
            session.list(path, within: .seconds(60), handler: told.handler("again"))
        }
        for name in ["second", "third"] { list(session, told, name) }
        list(session, told, "joining", joining: true)
        session.end(.sessionExpired)
        list(session, told, "late")
        let code = ZooKeeperError.Code.sessionExpired
        #expect(told.all.sorted() == ["again", "joining", "late", "second", "third"].map { "\($0): \(code)" })
        #expect(transport.ids.count == 1)
        #expect(session.core.withLock { $0.listings.isEmpty })
    }

    @Test func whatTheTransportRefusesIsToldToAll() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        transport.refusal.withLock { $0 = Refusal(code: .invalidArgument, mayBeExecuted: false) }
        for name in ["first", "second"] { list(session, told, name) }
        #expect(told.all.count == 2)
        #expect(session.core.withLock { $0.listings.isEmpty })
        session.end(.closed)
    }

    @Test func withoutAConnectionTheTimeOfEachComes() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport, isConnected: false)
        let last = Promise<Void>()
        for name in ["first", "second"] { list(session, told, name, within: .milliseconds(30)) }
        session.list(path, within: .milliseconds(30)) { _ in last.resolve(()) }
        await last.value()
        #expect(told.all == ["first", "second"].map { "\($0): \(ZooKeeperError.Code.requestTimedOut)" })
        #expect(transport.ids.isEmpty)
        #expect(session.core.withLock { $0.listings.isEmpty && $0.parked.isEmpty })
        session.end(.closed)
    }

    /// Carries requests out as they come, and answers in order on a thread of its own.
    private final class Executing: Transport {
        private let children = Locked<[String]>([])
        private let answers = DispatchQueue(label: "answers")
        let session = Locked<Session?>(nil)

        func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {}
        var hasNoConnection: Bool { false }
        func close() {}

        func submit(_ request: Request, _ id: RequestID) -> Refusal? {
            children.withLock { children in
                let reply: Reply
                switch request {
                case .create(let path, _, _, _):
                    children.append(String(path.name))
                    reply = .created(path, Stat())
                default:
                    reply = .children(children, Stat())
                }
                let session = session.withLock { $0 }
                answers.async { session?.complete(id, .success(reply)) }
            }
            return nil
        }
    }

    /// The lock rests on it: whoever does not see its own node in the list would not see those ahead of it either.
    @Test func noListIsOlderThanACreateAheadOfIt() async throws {
        let transport = Executing()
        let session = try Session.connected(over: transport)
        transport.session.withLock { $0 = session }
        let (tasks, rounds) = (8, 50)
        let path = path
        let found = await withTaskGroup(of: Int.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var found = 0
                    for round in 0..<rounds {
                        let name = "\(task)-\(round)"
                        let seen = Promise<Bool>()
                        session.submit(
                            .create(path.appending(unchecked: name), data: [], mode: .ephemeral, acl: [.open]),
                            deadline: .now + .seconds(60)
                        ) { _ in }
                        session.list(path, within: .seconds(60)) {
                            seen.resolve((try? $0.get())?.names.contains(name) ?? false)
                        }
                        if await seen.value() == true { found += 1 }
                        await Task.yield()
                    }
                    return found
                }
            }
            return await group.reduce(0, +)
        }
        #expect(found == tasks * rounds)
        #expect(session.core.withLock { $0.listings.isEmpty })
        transport.session.withLock { $0 = nil }
        session.end(.closed)
    }
}
