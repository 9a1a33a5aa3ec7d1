/// Judges a run by nothing but the nodes, tokens and times that were seen.
enum Judge {
    struct Verdict: Equatable, Sendable {
        /// Acquisitions while somebody with a smaller token, so somebody who had come earlier, was still waiting.
        var fifoViolations = 0
        /// Pairs of holds that have a moment in common.
        var overlaps = 0
        /// Each acquisition has a larger token than those before it.
        var tokensRising = true
    }

    /// - Parameter events: in any order.
    static func verdict(on events: [Event]) -> Verdict {
        let events = events.sorted { $0.instant < $1.instant }
        let holds = holds(in: events)
        return Verdict(
            fifoViolations: fifoViolations(of: holds, among: contenders(in: events)),
            overlaps: overlaps(of: holds),
            tokensRising: zip(holds, holds.dropFirst()).allSatisfy { $0.place.token < $1.place.token }
        )
    }

    // MARK: Holds

    struct Hold: Equatable {
        var worker: Int
        var place: Place
        var start: ContinuousClock.Instant
        /// `nil`: nobody saw it end.
        var end: ContinuousClock.Instant?
    }

    /// All holds, by their start.
    private static func holds(in events: [Event]) -> [Hold] {
        var holds: [Hold] = []
        /// The indices of those that have not ended; one at most, if all is well.
        var open: [Int] = []
        for event in events {
            func end(where matches: (Hold) -> Bool) {
                for index in open where matches(holds[index]) { holds[index].end = event.instant }
                open.removeAll { holds[$0].end != nil }
            }
            switch event.kind {
            case .queued:
                break
            case .acquired(let place, _):
                open.append(holds.count)
                holds.append(Hold(worker: event.worker, place: place, start: event.instant))
            case .released(let place, _), .lost(let place, _), .cancelled(let place, _), .crashed(let place, _, _):
                end { $0.worker == event.worker && $0.place == place }
            case .failed:
                end { $0.worker == event.worker }
            }
        }
        return holds
    }

    private static func overlaps(of holds: [Hold]) -> Int {
        var count = 0
        var open: [Hold] = []
        for hold in holds {
            // One that ends in the moment in which the next begins does not overlap it.
            open.removeAll { $0.end.map { $0 <= hold.start } ?? false }
            count += open.count
            open.append(hold)
        }
        return count
    }

    // MARK: Order

    private struct Contender {
        var worker: Int
        var token: Int64
        /// When it stopped to wait; `nil`: never seen to.
        var left: ContinuousClock.Instant?
    }

    private static func contenders(in events: [Event]) -> [Contender] {
        var contenders: [Place: Contender] = [:]
        /// Where each worker stands in the queue.
        var waiting: [Int: Place] = [:]
        for event in events {
            switch event.kind {
            case .queued(let place, _):
                // In the queue once more: its session had ended, and its place with it, nobody saw when. It lays no
                // claim.
                if let former = waiting[event.worker] { contenders[former] = nil }
                waiting[event.worker] = place
                contenders[place] = Contender(worker: event.worker, token: place.token)
            case .acquired(let place, _):
                waiting[event.worker] = nil
                if contenders[place]?.left == nil {
                    contenders[place] = Contender(worker: event.worker, token: place.token, left: event.instant)
                }
            case .failed:
                if let place = waiting.removeValue(forKey: event.worker) { contenders[place] = nil }
            case .released, .lost, .cancelled, .crashed:
                break
            }
        }
        return contenders.values.sorted { $0.token < $1.token }
    }

    private static func fifoViolations(of holds: [Hold], among contenders: [Contender]) -> Int {
        var count = 0
        var contenders = contenders[...]
        /// When the last of those with smaller tokens left, or that one of them never did.
        var lastLeft: ContinuousClock.Instant?
        var somebodyStays = false
        for hold in holds.sorted(by: { $0.place.token < $1.place.token }) {
            while let next = contenders.first, next.token < hold.place.token {
                contenders = contenders.dropFirst()
                if let left = next.left { lastLeft = max(lastLeft ?? left, left) } else { somebodyStays = true }
            }
            if somebodyStays || lastLeft.map({ $0 > hold.start }) == true { count += 1 }
        }
        return count
    }
}
