import NIOCore
import Testing
import ZooKeeperTestKit

@testable import ZooKeeperFaultKit

@Suite struct FlowTests {
    private let start = ContinuousClock.now
    private var generator = SeededGenerator(seed: 1)

    /// What departs until that moment after the start, as text.
    private func departures(_ flow: inout Flow, until moment: Duration) -> [String] {
        var texts: [String] = []
        while let item = flow.next(at: start + moment) {
            switch item {
            case .bytes(let bytes): texts.append(String(buffer: bytes))
            case .end: texts.append("end")
            case .cut: texts.append("cut")
            }
        }
        return texts
    }

    private mutating func append(_ text: String, to flow: inout Flow, at moment: Duration = .zero) {
        flow.append(.bytes(ByteBuffer(string: text)), at: start + moment, using: &generator)
    }

    @Test mutating func `Without a fault everything departs at once`() {
        var flow = Flow(Conditions())
        append("a", to: &flow)
        append("b", to: &flow)
        flow.append(.end, at: start, using: &generator)
        #expect(!flow.isOver)
        #expect(departures(&flow, until: .zero) == ["a", "b", "end"])
        #expect(flow.isOver)
        #expect(flow.nextDue == nil)
    }

    @Test mutating func `A delay is that from the arrival`() {
        var flow = Flow(Conditions(delay: .seconds(3)))
        append("a", to: &flow)
        append("b", to: &flow, at: .seconds(2))
        #expect(flow.nextDue == start + .seconds(3))
        #expect(departures(&flow, until: .seconds(2.9)) == [])
        #expect(departures(&flow, until: .seconds(3)) == ["a"])
        #expect(departures(&flow, until: .seconds(4.9)) == [])
        #expect(departures(&flow, until: .seconds(5)) == ["b"])
    }

    @Test mutating func `Jitter keeps the order, and the same seed gives the same times`() {
        func dues() -> [Flow.Instant] {
            var flow = Flow(Conditions(delay: .seconds(1), jitter: .seconds(2)))
            var generator = SeededGenerator(seed: 7)
            for _ in 0..<50 { flow.append(.bytes(ByteBuffer(string: "x")), at: start, using: &generator) }
            var dues: [Flow.Instant] = []
            while let due = flow.nextDue {
                dues.append(due)
                #expect(flow.next(at: due) != nil)
            }
            return dues
        }
        let first = dues()
        #expect(first.count == 50)
        #expect(first == first.sorted())
        #expect(first.allSatisfy { (start + .seconds(1)...start + .seconds(3)).contains($0) })
        #expect(Set(first).count > 1)
        #expect(dues() == first)
    }

    @Test mutating func `A frozen flow keeps everything until it is thawed`() {
        var flow = Flow(Conditions(isFrozen: true))
        append("a", to: &flow)
        flow.append(.end, at: start, using: &generator)
        #expect(flow.nextDue == nil)
        #expect(departures(&flow, until: .seconds(100)) == [])
        flow.apply(Conditions(), at: start + .seconds(100))
        #expect(departures(&flow, until: .seconds(100)) == ["a", "end"])
    }

    @Test mutating func `What is dropped never departs, nor what comes after`() {
        var flow = Flow(Conditions(isFrozen: true))
        append("a", to: &flow)
        flow.discard()
        append("b", to: &flow)
        flow.apply(Conditions(), at: start)
        #expect(departures(&flow, until: .seconds(1)) == [])
        #expect(flow.isOver)
    }

    @Test mutating func `Nothing is taken after a cut`() {
        var flow = Flow(Conditions())
        flow.append(.cut, at: start, using: &generator)
        append("late", to: &flow)
        flow.append(.end, at: start, using: &generator)
        #expect(departures(&flow, until: .zero) == ["cut"])
    }

    @Test mutating func `The end of a delay takes effect on what is on its way, a longer one does not`() {
        var flow = Flow(Conditions(delay: .seconds(10)))
        append("a", to: &flow)
        flow.apply(Conditions(delay: .seconds(60)), at: start + .seconds(1))
        #expect(flow.nextDue == start + .seconds(10))
        flow.apply(Conditions(delay: .seconds(2)), at: start + .seconds(1))
        #expect(flow.nextDue == start + .seconds(3))
        flow.apply(Conditions(), at: start + .seconds(1))
        #expect(departures(&flow, until: .seconds(1)) == ["a"])
    }

    @Test mutating func `A limited line takes the time that the bytes need, in small pieces`() {
        var flow = Flow(Conditions(bytesPerSecond: 1000))
        append(String(repeating: "a", count: 500), to: &flow)
        append(String(repeating: "b", count: 500), to: &flow)
        #expect(departures(&flow, until: .milliseconds(49)) == [])
        #expect(departures(&flow, until: .milliseconds(50)) == [String(repeating: "a", count: 50)])
        let half = departures(&flow, until: .milliseconds(500)).joined()
        #expect(half == String(repeating: "a", count: 450))
        let rest = departures(&flow, until: .milliseconds(1000)).joined()
        #expect(rest == String(repeating: "b", count: 500))
        #expect(flow.nextDue == nil)
        // The line is free again: nothing was saved up meanwhile.
        append(String(repeating: "c", count: 50), to: &flow, at: .seconds(5))
        #expect(flow.nextDue == start + .milliseconds(5050))
    }
}
