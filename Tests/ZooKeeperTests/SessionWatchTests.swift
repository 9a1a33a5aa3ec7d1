import Locking
import Testing

@testable import ZooKeeper

/// Those of one session who share a watch, and what becomes of them who wait for the answer to another's request.
@Suite(.timeLimit(.minutes(5))) struct SessionWatchTests {
    private let parent = NodePath(unchecked: "/lock")
    private let node = NodePath(unchecked: "/lock/node")

    /// What each was told, in order.
    private final class Told: Sendable {
        private let words = Locked<[String]>([])

        private func add<Value>(_ name: String, _ result: Result<Value, RequestFailure>, _ word: String) {
            let said = if case .failure(let failure) = result { "\(failure.code)" } else { word }
            words.withLock { $0.append("\(name): \(said)") }
        }

        func asked(_ name: String) -> @Sendable (RequestResult) -> Void { { self.add(name, $0, "answer") } }
        func answer(_ name: String) -> Session.WatchAnswer { { self.add(name, $0, "set") } }
        func handler(_ name: String) -> Session.WatchHandler { { self.add(name, $0, "event") } }

        /// Since this was last looked at.
        var news: [String] {
            words.withLock { words in
                defer { words = [] }
                return words
            }
        }
    }

    /// Asks if that is needed. Says whether it was.
    @discardableResult
    private func join(
        _ session: Session, _ told: Told, _ name: String, within patience: Duration = .seconds(60)
    ) throws -> Bool {
        let (id, progress) = try session.joinWatch(
            on: parent, child: "node", handler: told.handler(name), answer: told.answer(name))
        let hasToAsk = progress == .unasked
        if progress == .set { told.answer(name)(.success(())) }
        if hasToAsk { session.submit(.get(node, watch: id), deadline: .now + patience, handler: told.asked(name)) }
        return hasToAsk
    }

    private func fire(_ session: Session, _ transport: RecordingTransport) throws {
        session.fired(try #require(transport.watches.first).watch, WatchEvent(.deleted, path: node))
    }

    private func answer(_ session: Session, _ transport: RecordingTransport, _ failure: ZooKeeperError.Code? = nil)
        throws
    {
        let id = try #require(transport.watches.last).id
        session.complete(
            id, failure.map { .failure(Refusal(code: $0, mayBeExecuted: false)) } ?? .success(.data([], Stat())))
    }

    private func reconnect(_ session: Session) {
        session.linkChanged(.connected(sessionID: 1, timeout: Session.testTimeout, server: nil))
    }

    private func hasNoWatches(_ session: Session) -> Bool {
        session.core.withLock { $0.watches.count == 0 && $0.watches.bytes == 0 && $0.requests.count == 0 }
    }

    /// By a task that may be cancelled, as a client's own requests are.
    private func get(_ session: Session, _ told: Told) throws -> Task<RequestResult, Never> {
        let id = try session.reserveWatch(on: node, by: .get, handler: told.handler("carrier"))
        let node = node
        return Task { await session.perform(.get(node, watch: id), deadline: .now + .seconds(60)) }
    }

    private func isCancelled(_ result: RequestResult) -> Bool {
        if case .failure(let failure) = result { failure.code == .cancelled } else { false }
    }

    private func count(_ session: Session, parked: Int) async {
        while session.core.withLock({ $0.parked.count }) < parked { await Task.yield() }
    }

    @Test func oneRequestDoesForAll() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        let asks = try ["first", "second"].map { try join(session, told, $0) }
        #expect(asks == [true, false])
        #expect(told.news == [])
        try answer(session, transport)
        #expect(told.news == ["first: answer", "second: set"])
        #expect(try !join(session, told, "third"))
        #expect(told.news == ["third: set"])
        try fire(session, transport)
        #expect(told.news == ["first: event", "second: event", "third: event"])
        #expect(transport.watches.count == 1)
        #expect(hasNoWatches(session))
        session.end(.closed)
        #expect(told.news == [])
    }

    @Test(arguments: [ZooKeeperError.Code.noNode, .notAuthorized, .throttled])
    func whatTheServerRefusesIsRefusedToAll(_ code: ZooKeeperError.Code) throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        for name in ["first", "second"] { try join(session, told, name) }
        try answer(session, transport, code)
        #expect(told.news == ["first: \(code)", "second: \(code)"])
        #expect(hasNoWatches(session))
        session.end(.closed)
        #expect(told.news == [])
    }

    @Test func whatTheTransportRefusesIsRefusedToAll() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        let (id, _) = try session.joinWatch(
            on: parent, child: "node", handler: told.handler("first"), answer: told.answer("first"))
        // Between the place and the request.
        #expect(try !join(session, told, "second"))
        transport.refusal.withLock { $0 = Refusal(code: .connectionLost, mayBeExecuted: false) }
        session.submit(.get(node, watch: id), deadline: .now + .seconds(60), handler: told.asked("first"))
        #expect(told.news == ["first: connectionLost", "second: connectionLost"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    // MARK: The one who asks gives up

    @Test func aRequestThatIsCancelledBeforeItIsSentIsNoHelp() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport, isConnected: false)
        let carrier = try get(session, told)
        await count(session, parked: 1)
        #expect(try !join(session, told, "second"))
        carrier.cancel()
        #expect(isCancelled(await carrier.value))
        #expect(told.news == ["second: requestTimedOut"])
        #expect(hasNoWatches(session))
        reconnect(session)
        #expect(transport.watches.isEmpty)
        #expect(told.news == [])
        session.end(.closed)
    }

    /// A cancellation that comes before the request is made.
    @Test func aRequestThatIsNeverMadeIsNoHelp() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        let id = try session.reserveWatch(on: node, by: .get, handler: told.handler("carrier"))
        #expect(try !join(session, told, "second"))
        let node = node
        let carrier = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await session.perform(.get(node, watch: id), deadline: .now + .seconds(60))
        }
        #expect(isCancelled(await carrier.value))
        #expect(told.news == ["second: requestTimedOut"])
        #expect(transport.watches.isEmpty)
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    @Test func anotherRequestDoesAsWell() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport, isConnected: false)
        let carrier = try get(session, told)
        await count(session, parked: 1)
        let other = try get(session, told)
        await count(session, parked: 2)
        #expect(try !join(session, told, "second"))
        carrier.cancel()
        #expect(isCancelled(await carrier.value))
        #expect(told.news == [])
        reconnect(session)
        try answer(session, transport)
        _ = await other.value
        #expect(told.news == ["second: set"])
        try fire(session, transport)
        #expect(told.news.sorted() == ["carrier: event", "second: event"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    @Test func theAnswerToACancelledRequestIsForTheOthers() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        let carrier = try get(session, told)
        while transport.watches.isEmpty { await Task.yield() }
        #expect(try !join(session, told, "second"))
        carrier.cancel()
        #expect(isCancelled(await carrier.value))
        #expect(told.news == [])
        // Whoever comes now counts on it, too.
        #expect(try !join(session, told, "third"))
        try answer(session, transport)
        #expect(told.news == ["second: set", "third: set"])
        try fire(session, transport)
        #expect(told.news == ["second: event", "third: event"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    // MARK: No answer in time

    @Test func theLateAnswerIsForTheOthers() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        let late = Promise<Void>()
        let (id, _) = try session.joinWatch(
            on: parent, child: "node", handler: told.handler("first"), answer: told.answer("first"))
        session.submit(.get(node, watch: id), deadline: .now + .milliseconds(10)) {
            told.asked("first")($0)
            late.resolve(())
        }
        #expect(try !join(session, told, "second"))
        await late.value()
        #expect(told.news == ["first: requestTimedOut"])
        try answer(session, transport)
        #expect(told.news == ["second: set"])
        try fire(session, transport)
        #expect(told.news == ["second: event"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    @Test func aRequestThatWaitedInVainForAConnectionIsNoHelp() async throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport, isConnected: false)
        let late = Promise<Void>()
        let (id, _) = try session.joinWatch(
            on: parent, child: "node", handler: told.handler("first"), answer: told.answer("first"))
        #expect(try !join(session, told, "second"))
        session.submit(.get(node, watch: id), deadline: .now + .milliseconds(10)) {
            told.asked("first")($0)
            late.resolve(())
        }
        await late.value()
        #expect(told.news.sorted() == ["first: requestTimedOut", "second: requestTimedOut"])
        #expect(hasNoWatches(session))
        reconnect(session)
        #expect(transport.watches.isEmpty)
        session.end(.closed)
    }

    // MARK: The connection, and the session

    @Test func theConnectionIsLostBeforeTheAnswer() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        for name in ["first", "second"] { try join(session, told, name) }
        session.linkChanged(.disconnected)
        #expect(told.news == [])
        try answer(session, transport, .connectionLost)
        #expect(told.news == ["first: connectionLost", "second: connectionLost"])
        #expect(hasNoWatches(session))
        reconnect(session)
        let asks = try ["first", "second"].map { try join(session, told, $0) }
        #expect(asks == [true, false])
        try answer(session, transport)
        #expect(told.news == ["first: answer", "second: set"])
        session.end(.closed)
        #expect(told.news == ["first: closed", "second: closed"])
    }

    /// What has become of it meanwhile is told in no particular order.
    @Test func aWatchOfTheLastConnectionIsAskedForAgain() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        try join(session, told, "first")
        try answer(session, transport)
        session.linkChanged(.disconnected)
        let asks = try ["second", "third"].map { try join(session, told, $0) }
        #expect(asks == [true, false])
        reconnect(session)
        try #require(transport.watches.count == 2)
        #expect(told.news == ["first: answer"])
        // It was deleted: that is no news to those who are about to read it.
        try fire(session, transport)
        #expect(told.news == ["first: event"])
        try answer(session, transport, .noNode)
        #expect(told.news == ["second: noNode", "third: noNode"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }

    @Test func theEndOfTheSessionIsToldToEachOnce() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        for name in ["first", "second"] { try join(session, told, name) }
        let id = try #require(transport.watches.first).id
        session.linkChanged(.expired)
        #expect(told.news.sorted() == ["first: sessionExpired", "first: sessionExpired", "second: sessionExpired"])
        // The answer comes too late, or a failure for want of one.
        session.complete(id, .success(.data([], Stat())))
        try fire(session, transport)
        #expect(told.news == [])
        #expect(hasNoWatches(session))
        #expect(throws: RequestFailure(.sessionExpired, wasNeverSent: true)) { try join(session, told, "third") }
        #expect(told.news == [])
    }

    // MARK: The others give up

    @Test func whoHasGivenUpHearsOfNoEvent() throws {
        let (transport, told) = (RecordingTransport(), Told())
        let session = try Session.connected(over: transport)
        try join(session, told, "first")
        let (second, _) = try session.joinWatch(
            on: parent, child: "node", handler: told.handler("second"), answer: told.answer("second"))
        session.forgetWatch(second)
        try answer(session, transport)
        let third = try session.joinWatch(
            on: parent, child: "node", handler: told.handler("third"), answer: told.answer("third"))
        #expect(third.progress == .set)
        session.forgetWatch(third.id)
        #expect(told.news == ["first: answer", "second: set"])
        try fire(session, transport)
        #expect(told.news == ["first: event"])
        #expect(hasNoWatches(session))
        session.end(.closed)
    }
}
