import Locking
import Testing

@testable import ZooKeeper

/// The parents that a session watches as it had the queues there to itself.
@Suite struct SessionVacancyTests {
    private let path = NodePath(unchecked: "/lock")

    private func pass(_ number: Int32, at path: NodePath, _ session: Session) -> Bool {
        let isFirst = session.hasMade(number, last: number, at: path)
        session.isLeaving(number, at: path)
        session.hasLeft(number, at: path, deadline: .now + .seconds(60))
        return isFirst
    }

    @Test func theParentIsWatchedWhenItPays() throws {
        let transport = RecordingTransport()
        let session = try Session.connected(over: transport)
        for number in Int32(0)..<20 {
            let (isCountedOn, isFirst) = (session.countsOnVacancy(at: path), pass(number, at: path, session))
            #expect(isCountedOn == (number > 8) && isFirst == (number > 8), "\(number)")
            guard number == 7 else { continue }
            let watch = try #require(transport.watches.first)
            #expect(watch.path == path)
            session.complete(watch.id, .success(.data([], Stat())))
        }
        #expect(transport.watches.count == 1)
        // It is deleted, or written to.
        session.fired(transport.watches[0].watch, WatchEvent(.deleted, path: path))
        #expect(!session.countsOnVacancy(at: path))
        #expect(!pass(20, at: path, session))
        session.end(.closed)
    }

    @Test func eachConnectionHasItsOwn() throws {
        let transport = RecordingTransport()
        let session = try Session.connected(over: transport)
        for number in Int32(0)..<10 {
            _ = pass(number, at: path, session)
            if number == 7 { session.complete(transport.watches[0].id, .success(.data([], Stat()))) }
        }
        #expect(session.countsOnVacancy(at: path))
        session.linkChanged(.disconnected)
        #expect(!session.countsOnVacancy(at: path))
        session.linkChanged(.connected(sessionID: 1, timeout: Session.testTimeout, server: nil))
        #expect(!pass(10, at: path, session))
        for number in Int32(11)..<30 { _ = pass(number, at: path, session) }
        try #require(transport.watches.count == 2)
        // That of the first connection fires in the second one.
        session.complete(transport.watches[1].id, .success(.data([], Stat())))
        session.fired(transport.watches[0].watch, WatchEvent(.deleted, path: path))
        _ = pass(30, at: path, session)
        #expect(!session.countsOnVacancy(at: path))
        session.end(.closed)
    }

    @Test func aParentThatMayNotBeReadIsLeftInPeace() throws {
        let transport = RecordingTransport()
        let session = try Session.connected(over: transport)
        for number in Int32(0)..<40 {
            #expect(!session.countsOnVacancy(at: path))
            #expect(!pass(number, at: path, session))
            for watch in transport.watches.suffix(1) where number % 8 == 7 {
                session.complete(watch.id, .failure(Refusal(code: .notAuthorized, mayBeExecuted: false)))
            }
        }
        #expect(transport.watches.count <= 5)
        #expect(session.core.withLock { $0.watches.subscribers } == 0)
        session.end(.closed)
    }

    /// Thousands of locks, each taken a few times.
    @Test func onlySoManyAreWatched() throws {
        let transport = RecordingTransport()
        let session = try Session.connected(over: transport)
        for lock in 0..<3000 {
            let path = NodePath(unchecked: "/locks/\(lock)")
            for number in Int32(0)..<12 { _ = pass(number, at: path, session) }
        }
        #expect(transport.watches.count == 256)
        // A path that was removed makes room for another one.
        let first = transport.watches[0]
        session.complete(first.id, .success(.data([], Stat())))
        session.fired(first.watch, WatchEvent(.deleted, path: first.path))
        for number in Int32(0)..<12 { _ = pass(number, at: path, session) }
        #expect(transport.watches.count == 257)
        session.end(.closed)
    }

    private func answerLastWatch(_ transport: RecordingTransport, _ session: Session) throws {
        session.complete(try #require(transport.watches.last).id, .success(.data([], Stat())))
    }

    /// Who wants several at once, and cannot have them at once, has not been wrong about the others.
    @Test func ofSeveralAllHaveToBePromising() throws {
        let (transport, other) = (RecordingTransport(), NodePath(unchecked: "/other"))
        let session = try Session.connected(over: transport)
        for number in Int32(0)..<10 {
            _ = pass(number, at: path, session)
            if number == 7 { try answerLastWatch(transport, session) }
        }
        #expect(session.countsOnVacancy(atAll: [path]))
        _ = pass(10, at: path, session)
        #expect(!session.countsOnVacancy(atAll: [path, other]))
        // Somebody has come between, and is gone; which would be paid for with twice the patience if the other had not been there.
        for number in Int32(12)...20 { _ = pass(number, at: path, session) }
        #expect(session.countsOnVacancy(at: path))
        for number in Int32(0)..<10 {
            _ = pass(number, at: other, session)
            if number == 7 { try answerLastWatch(transport, session) }
        }
        #expect(session.countsOnVacancy(atAll: [path, other]))
        session.end(.closed)
    }

    /// Watches of earlier connections are still there, on paths that nobody deletes. Others may not be refused theirs on their account.
    @Test func whatIsWatchedLeavesRoomForOthers() throws {
        let transport = RecordingTransport()
        let session = try Session.connected(over: transport)
        for connection in 0..<20 {
            for lock in 0..<100 {
                let path = NodePath(unchecked: "/" + String(repeating: "x", count: 1000) + "/\(connection)/\(lock)")
                let known = transport.watches.count
                for number in Int32(0)..<8 { _ = pass(number, at: path, session) }
                if transport.watches.count > known { try answerLastWatch(transport, session) }
            }
            session.linkChanged(.disconnected)
            session.linkChanged(.connected(sessionID: 1, timeout: Session.testTimeout, server: nil))
        }
        #expect(transport.watches.count > 100)
        #expect(session.core.withLock { $0.watches.bytes } < WatchTable.byteBudget / 2)
        let watch = try session.reserveWatch(on: path, by: .get) { _ in }
        session.forgetWatch(watch)
        session.end(.closed)
    }
}
