/// A handful of values, in no particular order. Up to three stand side by side in the value itself: an array is an allocation, and one that
/// grows as this does has room for four.
struct Few<Element> {
    private var others: [Element] = []
    private var first: Element?
    private var second: Element?
    private var third: Element?

    mutating func add(_ element: Element) {
        if first == nil {
            first = element
        } else if second == nil {
            second = element
        } else if third == nil {
            third = element
        } else {
            others.append(element)
        }
    }

    func first(where condition: (Element) -> Bool) -> Element? {
        if let first, condition(first) { return first }
        if let second, condition(second) { return second }
        if let third, condition(third) { return third }
        return others.first(where: condition)
    }

    mutating func removeAll(where condition: (Element) -> Bool) {
        if let element = first, condition(element) { first = nil }
        if let element = second, condition(element) { second = nil }
        if let element = third, condition(element) { third = nil }
        if !others.isEmpty { others.removeAll(where: condition) }
    }

    func forEach(_ body: (Element) -> Void) {
        if let first { body(first) }
        if let second { body(second) }
        if let third { body(third) }
        for element in others { body(element) }
    }
}

extension Few: Sendable where Element: Sendable {}
