import Logging
import Testing

@testable import ZooKeeper

@Suite struct SlotArrayTests {
    @Test func aKeyIsGoodOnce() {
        var slots = SlotArray<String>()
        let first = slots.insert("a")
        let second = slots.insert("b")
        #expect(slots.remove(first) == "a")
        #expect(slots.remove(first) == nil)
        let reused = slots.insert("c")
        #expect(reused != first)
        #expect(slots[first] == nil)
        #expect(slots[reused] == "c")
        #expect(slots[second] == "b")
        #expect(slots.count == 2)
        #expect(reused < 1 << 48)
    }

    @Test func keysOfNobodyFindNothing() {
        var slots = SlotArray<Int>()
        #expect(slots.remove(0) == nil)
        #expect(slots.remove(.max) == nil)
        _ = slots.insert(1)
        #expect(slots.remove(1 << 24) == nil)
        #expect(slots.removeAll() == [1])
        #expect(slots.count == 0)
    }
}

@Suite struct RequestTableTests {
    private func entry(
        deadline: Uptime, _ handler: @escaping @Sendable (RequestResult) -> Void = { _ in }
    )
        -> RequestTable.Entry
    {
        RequestTable.Entry(completion: .handler(handler), deadline: deadline, isWrite: true, isSent: true, watch: nil)
    }

    @Test func aCancellationThatComesFirstIsNotLost() {
        var table = RequestTable()
        let id = table.reserve()
        #expect(table.cancel(id) == nil)
        #expect(table.enter(id, entry(deadline: .now)) == false)
        #expect(table.count == 0)
    }

    @Test func anAnswerAndACancellationDoNotBothCount() {
        var table = RequestTable()
        let id = table.reserve()
        #expect(table.enter(id, entry(deadline: .now)) == true)
        #expect(table.remove(id) != nil)
        #expect(table.cancel(id) == nil)
        #expect(table.remove(id) == nil)
        #expect(table.count == 0)
    }

    @Test func theLateAnswerOfAnAbandonedRequestStillSettlesItsWatch() throws {
        var table = RequestTable()
        let watch = WatchID(key: 1, subscriber: 1)
        func entry(isSent: Bool) -> RequestTable.Entry {
            RequestTable.Entry(
                completion: .handler { _ in }, deadline: .now - .seconds(1), isWrite: false, isSent: isSent,
                watch: watch)
        }
        let cancelled = table.insert(entry(isSent: true))
        #expect(table.cancel(cancelled) != nil)
        #expect(table.cancel(cancelled) == nil)
        if case .watch(let found) = table.remove(cancelled) {
            #expect(found == watch)
        } else {
            Issue.record("no watch")
        }
        let overdue = table.insert(entry(isSent: true))
        #expect(table.removeOverdue(at: .now).count == 1)
        #expect(table.removeOverdue(at: .now).isEmpty)
        if case .watch(let found) = table.remove(overdue) { #expect(found == watch) } else { Issue.record("no watch") }
        // One that was never sent has no answer.
        let parked = table.insert(entry(isSent: false))
        #expect(table.cancel(parked) != nil)
        #expect(table.count == 0)
    }

    @Test func overdueRequestsAreTakenOut() {
        var table = RequestTable()
        let now = Uptime.now
        let late = table.insert(entry(deadline: now - .seconds(1)))
        let early = table.insert(entry(deadline: now + .seconds(1)))
        let reserved = table.reserve()
        #expect(table.earliestDeadline == now - .seconds(1))
        #expect(table.removeOverdue(at: now).count == 1)
        #expect(table.remove(late) == nil)
        #expect(table.earliestDeadline == now + .seconds(1))
        #expect(table.remove(early) != nil)
        // A request that is just being made is not lost when the others are taken out.
        #expect(table.removeAll().isEmpty)
        #expect(table.enter(reserved, entry(deadline: now)) == true)
    }
}

@Suite struct TimerHeapTests {
    @Test func valuesComeInOrder() {
        var heap = TimerHeap<Int>()
        var generator = SeededGenerator(seed: 3)
        let start = Uptime.now
        var keys: [(TimerHeap<Int>.Key, Int)] = []
        for _ in 0..<2000 {
            let delay = Int.random(in: 0..<500, using: &generator)
            keys.append((heap.insert(delay, due: start + .milliseconds(delay)), delay))
        }
        var expected = keys.map(\.1)
        for index in stride(from: 0, to: 2000, by: 3) {
            let removed = heap.remove(keys[index].0)
            #expect(removed == keys[index].1)
            expected[index] = -1
        }
        let tooEarly = heap.popDue(at: start - .seconds(1))
        #expect(tooEarly == nil)
        var popped: [Int] = []
        while let value = heap.popDue(at: start + .seconds(1)) { popped.append(value) }
        #expect(popped == expected.filter { $0 >= 0 }.sorted())
        #expect(heap.count == 0)
        let earliest = heap.earliest
        #expect(earliest == nil)
    }

    @Test func cancelledTimersDoNotPileUp() {
        var heap = TimerHeap<Int>()
        let due = Uptime.now + .seconds(3600)
        for value in 0..<100_000 { heap.remove(heap.insert(value, due: due)) }
        #expect(heap.count == 0)
        #expect(heap.capacityInUse <= 65)
    }
}

@Suite struct LogLineTests {
    @Test func theCClientsLineIsTakenApart() {
        let line = LogLine(
            "2026-01-31 12:00:00,000:71(0x7f12):ZOO_ERROR@handle_socket_error_msg@2576: Socket [127.0.0.1:1] zk retcode=-4: refused"
        )
        #expect(line.level == .warning)
        #expect(line.metadata["c-function"] == "handle_socket_error_msg")
        #expect(line.message == "Socket [127.0.0.1:1] zk retcode=-4: refused")
    }

    @Test func anyOtherLineIsKeptAsItIs() {
        let line = LogLine("something else", suppressed: 3)
        #expect(line.level == .info)
        #expect(line.message == "something else")
        #expect(line.metadata["suppressed"] == "3")
    }

    @Test func aFloodIsThrottledAndCounted() {
        var throttle = LogThrottle()
        let start = ContinuousClock.now
        var admitted = 0
        for millisecond in 0..<10_000 where throttle.admits(at: start + .milliseconds(millisecond)) { admitted += 1 }
        #expect(admitted <= LogThrottle.burst + 10 * LogThrottle.perSecond)
        let (suppressed, again) = (throttle.takeSuppressed(), throttle.takeSuppressed())
        #expect(suppressed == 10_000 - admitted)
        #expect(again == 0)
    }
}
