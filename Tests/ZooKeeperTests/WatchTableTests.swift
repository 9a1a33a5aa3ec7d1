import Locking
import Testing

@testable import ZooKeeper

@Suite struct WatchTableTests {
    private let path = NodePath(unchecked: "/locks/one")

    /// Calls of handlers.
    private final class Calls: Sendable {
        let events = Locked<[Int]>([])

        func handler(_ number: Int) -> WatchTable.Handler {
            { _ in self.events.withLock { $0.append(number) } }
        }

        var all: [Int] { events.withLock { $0.sorted() } }
    }

    private func fire(_ table: inout WatchTable, _ id: WatchID) {
        for handler in table.allFired(id) { handler(.success(WatchEvent(.deleted, path: path))) }
    }

    @Test func aPathIsCountedOnceForEachListOfThePacket() throws {
        var table = WatchTable(prefixLength: 4)
        let first = try #require(table.insert(path: path, list: .data) { _ in })
        let bytes = table.bytes
        #expect(bytes == 4 + 4 + 10)
        let second = try #require(table.insert(path: path, list: .data) { _ in })
        #expect(first.key == second.key)
        #expect(table.bytes == bytes)
        _ = try #require(table.insert(path: path, list: .children) { _ in })
        #expect(table.bytes == 2 * bytes)
        table.settle(first, failure: nil)
        table.settle(second, failure: nil)
        #expect(table.allFired(first).count == 2)
        #expect(table.allFired(first).isEmpty)
        #expect(table.bytes == bytes)
    }

    @Test func aChildIsTheSameByItsNameAndByItsPath() throws {
        var table = WatchTable(prefixLength: 4)
        let named = try #require(table.insert(path: NodePath(unchecked: "/locks"), child: "one", list: .data) { _ in })
        let whole = try #require(table.insert(path: path, list: .data) { _ in })
        #expect(named.key == whole.key)
        #expect(table.bytes == 4 + 4 + 10)
        let top = try #require(table.insert(path: .root, child: "locks", list: .data) { _ in })
        let parent = try #require(table.insert(path: NodePath(unchecked: "/locks"), list: .data) { _ in })
        #expect(top.key == parent.key)
        let root = try #require(table.insert(path: .root, list: .data) { _ in })
        #expect(Set([named.key, top.key, root.key]).count == 3)
        #expect(table.bytes == 18 + (8 + 6) + (8 + 1))
        // Two spellings of the same letter.
        let composed = try #require(table.insert(path: .root, child: "\u{e9}", list: .data) { _ in })
        let decomposed = try #require(table.insert(path: .root, child: "e\u{301}", list: .data) { _ in })
        #expect(composed.key != decomposed.key)
        for id in [named, whole, top, parent, root, composed, decomposed] { table.withdraw(id) }
        #expect(table.count == 0)
        #expect(table.bytes == 0)
    }

    @Test func anEventBeforeTheAnswerIsNotForTheOneWhoIsAsking() throws {
        var table = WatchTable(prefixLength: 0)
        let calls = Calls()
        let handler1 = calls.handler(1)
        let first = try #require(table.insert(path: path, list: .data) { handler1($0) })
        table.settle(first, failure: nil)
        let handler2 = calls.handler(2)
        let second = try #require(table.insert(path: path, list: .data) { handler2($0) })
        fire(&table, first)
        #expect(calls.all == [1])
        // Its own answer sets the watch again, under the same name.
        table.settle(second, failure: nil)
        fire(&table, second)
        #expect(calls.all == [1, 2])
        #expect(table.count == 0)
    }

    @Test func thoseWhoComeAndGoShareOneWatch() throws {
        var table = WatchTable(prefixLength: 0)
        for _ in 0..<1000 {
            let id = try #require(table.insert(path: path, list: .data) { _ in Issue.record("told") })
            table.settle(id, failure: nil)
            table.forget(id)
        }
        #expect(table.count == 1)
        let calls = Calls()
        let handler7 = calls.handler(7)
        let last = try #require(table.insert(path: path, list: .data) { handler7($0) })
        table.settle(last, failure: nil)
        fire(&table, last)
        #expect(calls.all == [7])
        #expect(table.count == 0)
        #expect(table.bytes == 0)
    }

    private func join(
        _ table: inout WatchTable, _ handler: @escaping WatchTable.Handler = { _ in Issue.record("told") }
    ) throws -> (id: WatchID, progress: WatchTable.Progress) {
        let place = table.join(path: path, list: .data, handler: handler, answer: { _ in })
        return try #require(place)
    }

    @Test func whoJoinsAWatchThatIsSetNeedsNoRequest() throws {
        var table = WatchTable(prefixLength: 0)
        let calls = Calls()
        let (handler1, handler2, handler3) = (calls.handler(1), calls.handler(2), calls.handler(3))
        // Nobody has asked before.
        let first = try join(&table, handler1)
        #expect(first.progress == .unasked)
        // Then there is no answer yet: it is for both.
        let early = try join(&table, handler2)
        #expect(early.progress == .asked)
        let told = table.settle(first.id, failure: nil)
        #expect(told.count == 1)
        let second = try join(&table, handler3)
        #expect(second.progress == .set)
        fire(&table, first.id)
        #expect(calls.all == [1, 2, 3])
        #expect(table.count == 0)
        let late = try join(&table)
        #expect(late.progress == .unasked)
    }

    @Test func whoCountsOnARequestThatFailsIsTold() throws {
        var table = WatchTable(prefixLength: 0)
        for failure in [ZooKeeperError.Code.noNode, .connectionLost] {
            let first = try #require(table.insert(path: path, list: .data) { _ in Issue.record("told") })
            let second = try join(&table)
            #expect(second.progress == .asked)
            let told = table.settle(first, failure: failure)
            #expect(told.count == 1)
            #expect(table.count == 0)
            #expect(table.bytes == 0)
        }
    }

    @Test func whoCountsOnARequestThatIsNeverSentIsTold() throws {
        var table = WatchTable(prefixLength: 0)
        let first = try #require(table.insert(path: path, list: .data) { _ in })
        let second = try #require(table.insert(path: path, list: .data) { _ in })
        let third = try join(&table)
        #expect(third.progress == .asked)
        // There is another.
        let early = table.withdraw(first)
        #expect(early.isEmpty)
        let told = table.withdraw(second)
        #expect(told.count == 1)
        #expect(table.count == 0)
    }

    @Test func whoHasLostInterestDoesNotMatter() throws {
        var table = WatchTable(prefixLength: 0)
        let calls = Calls()
        let handler2 = calls.handler(2)
        // Whoever asks is gone, but the answer comes.
        let first = try #require(table.insert(path: path, list: .data) { _ in Issue.record("told") })
        let second = try join(&table, handler2)
        let third = try join(&table)
        table.forget(first)
        table.forget(third.id)
        let told = table.settle(first, failure: nil)
        #expect(told.count == 2)
        fire(&table, second.id)
        #expect(calls.all == [2])
        #expect(table.count == 0)
    }

    @Test func aWatchOfAnEarlierConnectionIsNotJoined() throws {
        var table = WatchTable(prefixLength: 0)
        let calls = Calls()
        let (handler1, handler2, handler3) = (calls.handler(1), calls.handler(2), calls.handler(3))
        let first = try #require(table.insert(path: path, list: .data) { handler1($0) })
        table.settle(first, failure: nil)
        table.connectionChanged()
        let second = try join(&table, handler2)
        #expect(second.progress == .unasked)
        table.settle(second.id, failure: nil)
        let third = try join(&table, handler3)
        #expect(third.progress == .set)
        fire(&table, first)
        #expect(calls.all == [1, 2, 3])
        #expect(table.count == 0)
    }

    @Test func anotherListIsAnotherWatch() throws {
        var table = WatchTable(prefixLength: 0)
        let exists = try #require(table.insert(path: path, list: .exists) { _ in })
        table.settle(exists, failure: nil)
        let get = try join(&table)
        #expect(get.progress == .unasked)
    }

    @Test func aForgottenWatchStillCounts() throws {
        var table = WatchTable(prefixLength: 0)
        let id = try #require(table.insert(path: path, list: .data) { _ in Issue.record("told") })
        table.forget(id)
        table.settle(id, failure: nil)
        #expect(table.bytes > 0)
        fire(&table, id)
        #expect(table.bytes == 0)
    }

    @Test func whatWasNeverSentDoesNotCount() throws {
        var table = WatchTable(prefixLength: 0)
        let id = try #require(table.insert(path: path, list: .data) { _ in })
        table.withdraw(id)
        #expect(table.count == 0)
        #expect(table.bytes == 0)
    }

    @Test func aFailedRequestLeavesNoWatchExceptAnExistsOnNothing() throws {
        var table = WatchTable(prefixLength: 0)
        let get = try #require(table.insert(path: path, list: .data) { _ in })
        let exists = try #require(table.insert(path: path, list: .exists) { _ in })
        let forbidden = try #require(table.insert(path: path, list: .children) { _ in })
        table.settle(get, failure: .noNode)
        table.settle(exists, failure: .noNode)
        table.settle(forbidden, failure: .notAuthorized)
        #expect(table.count == 1)
        #expect(table.allFired(exists).count == 1)
        #expect(table.count == 0)
    }

    @Test func oneWatchTooManyIsRefused() async {
        var table = WatchTable(prefixLength: 0)
        var count = 0
        while table.insert(
            path: NodePath(unchecked: "/locks/a-rather-long-name/\(count)"), list: .data, handler: { _ in })
            != nil
        {
            count += 1
            // Others need the thread, too.
            if count.isMultiple(of: 1000) { await Task.yield() }
        }
        #expect(table.bytes <= WatchTable.byteBudget)
        #expect(count > 10_000)
        // One that adds nothing to the packet is still welcome.
        #expect(table.insert(path: NodePath(unchecked: "/locks/a-rather-long-name/0"), list: .data) { _ in } != nil)
        #expect(table.removeAll().count == count + 1)
        #expect(table.count == 0)
    }
}

extension WatchTable {
    fileprivate mutating func allFired(_ id: WatchID) -> [Handler] {
        let told = fired(id)
        return (told.first.map { [$0] } ?? []) + told.others
    }
}
