/// A unit of time, as written behind a number.
enum DurationUnit: String, CaseIterable, Comparable, CustomStringConvertible {
    case day = "d"
    case hour = "h"
    case minute = "m"
    case second = "s"
    case millisecond = "ms"
    case microsecond = "us"
    case nanosecond = "ns"

    var attoseconds: Int128 {
        switch self {
        case .day: 86_400 * DurationUnit.second.attoseconds
        case .hour: 3600 * DurationUnit.second.attoseconds
        case .minute: 60 * DurationUnit.second.attoseconds
        case .second: 1_000_000_000_000_000_000
        case .millisecond: 1_000_000_000_000_000
        case .microsecond: 1_000_000_000_000
        case .nanosecond: 1_000_000_000
        }
    }

    var description: String { rawValue }

    static func < (lhs: DurationUnit, rhs: DurationUnit) -> Bool {
        lhs.attoseconds < rhs.attoseconds
    }

    /// Takes the letters at the start of `rest`. Nothing at all is taken for seconds where `isOnly` says that the
    /// number before it is the first one.
    init(takingFrom rest: inout Substring, isOnly: Bool, after number: DecimalNumber) throws(InvalidDuration) {
        let letters = rest.prefix { !$0.isASCIIDigit && $0 != "." }
        rest = rest[letters.endIndex...]
        if letters.isEmpty {
            // "1.2.3" ends up here as well, with ".3" left.
            guard rest.isEmpty else { throw InvalidDuration("'\(rest)' does not belong there") }
            guard isOnly else { throw InvalidDuration("'\(number.text)' has no unit") }
            self = .second
        } else if let unit = DurationUnit(rawValue: String(letters)) {
            self = unit
        } else if letters == "\u{b5}s" || letters == "\u{3bc}s" {
            // The micro sign and the Greek letter look the same.
            self = .microsecond
        } else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidDuration("'\(letters)' is not a unit", hint: "units are \(known)")
        }
    }
}
