import Testing

@testable import ZooKeeperLocks

@Suite struct QueueListingTests {
    private static func name(_ number: Int32, _ prefix: String = "x") -> String {
        let digits = String(number.magnitude)
        let zeros = String(repeating: "0", count: max(0, (number < 0 ? 9 : 10) - digits.count))
        return "\(prefix)-lock-" + (number < 0 ? "-" : "") + zeros + digits
    }

    /// Wherever on the circle they stand, whoever is ahead by number, and in the case of two with the same number by name, is ahead.
    @Test func whoeverPrecedesIsAhead() throws {
        var generator = SeededGenerator(seed: 7)
        let places: [Int32] = [.min, .max, 0, -1, 1 << 30, -(1 << 30)]
        for _ in 0..<2000 {
            let names = (0..<Int.random(in: 1...12, using: &generator)).map { index in
                let place = places.randomElement(using: &generator) ?? 0
                let prefix = Bool.random(using: &generator) ? "\(index)" : "x"
                return Self.name(place &+ Int32.random(in: -3...3, using: &generator), prefix)
            }
            let queue = QueueListing(Array(Set(names)).shuffled(using: &generator) + ["config", "lock-"])
            #expect(queue.contenders.count == Set(names).count)
            for name in names {
                let own = try #require(ContenderName(name))
                let ahead = try #require(queue.ahead(of: own))
                #expect(Set(ahead) == Set(queue.contenders.filter { $0 != own && $0.precedes(own) }))
                for (first, second) in zip(ahead, ahead.dropFirst()) { #expect(first.precedes(second)) }
            }
        }
    }

    @Test func whoIsNotThereIsNowhere() throws {
        let own = try #require(ContenderName(Self.name(5)))
        #expect(QueueListing([]).ahead(of: own) == nil)
        #expect(QueueListing([Self.name(4), Self.name(6)]).ahead(of: own) == nil)
        #expect(QueueListing([Self.name(5, "y"), Self.name(5, "a")]).ahead(of: own) == nil)
    }
}
