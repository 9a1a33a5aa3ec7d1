/// The contenders among a lock's children, as one listing has them.
///
/// Read and put in order once for all who look at it: thousands may, of thousands.
struct QueueListing: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// By number as if that had no sign, and where a number comes twice by name. The numbers wrap around, so they stand on a circle: whoever is
    /// ahead of one is on the half of the circle in front of it.
    let contenders: [ContenderName]

    init(_ names: [String]) {
        var contenders: [ContenderName] = []
        contenders.reserveCapacity(names.count)
        for name in names {
            if let contender = ContenderName(name) { contenders.append(contender) }
        }
        if contenders.count > 1 { contenders.sort { Self.place($0) < Self.place($1) } }
        self.contenders = contenders
    }

    init(arrayLiteral names: String...) {
        self.init(names)
    }

    /// Those who are ahead of one, the first of them first.
    struct Ahead: RandomAccessCollection {
        fileprivate var contenders: [ContenderName]
        fileprivate var start = 0
        let count: Int

        var startIndex: Int { 0 }
        var endIndex: Int { count }

        subscript(index: Int) -> ContenderName {
            contenders[(start + index) % contenders.count]
        }
    }

    /// `nil` when `own` is not among them.
    func ahead(of own: ContenderName, _ rules: QueueRules = .sound) -> Ahead? {
        guard !rules.ordersByText else { return aheadByText(of: own) }
        let index = index { Self.place($0) < Self.place(own) }
        guard index < contenders.count, contenders[index].string == own.string else { return nil }
        let opposite = UInt32(bitPattern: own.sequence.rawValue) ^ (1 << 31)
        let start = self.index { UInt32(bitPattern: $0.sequence.rawValue) < opposite }
        let count = start <= index ? index - start : contenders.count - start + index
        return Ahead(contenders: contenders, start: start, count: count)
    }

    private func aheadByText(of own: ContenderName) -> Ahead? {
        guard contenders.contains(own) else { return nil }
        let text = { (contender: ContenderName) in contender.string.suffix(10) }
        let ahead = contenders.filter { text($0) < text(own) }.sorted { text($0) < text($1) }
        return Ahead(contenders: ahead, count: ahead.count)
    }

    /// The first one that does not go before.
    private func index(_ goesBefore: (ContenderName) -> Bool) -> Int {
        var (low, high) = (0, contenders.count)
        while low < high {
            let middle = (low + high) / 2
            if goesBefore(contenders[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func place(_ contender: ContenderName) -> (UInt32, String) {
        (UInt32(bitPattern: contender.sequence.rawValue), contender.string)
    }
}
