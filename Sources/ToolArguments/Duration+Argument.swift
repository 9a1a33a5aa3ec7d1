extension Duration {
    /// Reads a duration as people write it on a command line: `500ms`, `2s`, `1m30s`, `1h`, `1.5s`, `250us`; a bare
    /// number means seconds.
    ///
    /// ```swift
    /// @Option(help: "How long to hold the lock.", transform: Duration.init(argument:))
    /// var hold = Duration.seconds(1)
    /// ```
    ///
    /// Units are `d`, `h`, `m`, `s`, `ms`, `us` (or `µs`) and `ns`, each at most once and from large to small. Only the
    /// last number may have a fraction.
    ///
    /// - Throws: ``InvalidDuration``, which says what is wrong and how to write it.
    public init(argument text: String) throws(InvalidDuration) {
        guard !text.isEmpty else { throw InvalidDuration("it is empty") }
        guard !text.hasPrefix("-") else { throw InvalidDuration("it is negative", hint: "durations are zero or more") }
        var rest = Substring(text)
        var total = Duration.zero
        var previous: DurationUnit?
        while !rest.isEmpty {
            let number = try DecimalNumber(takingFrom: &rest)
            let unit = try DurationUnit(takingFrom: &rest, isOnly: previous == nil, after: number)
            if let previous, unit >= previous {
                throw InvalidDuration(
                    unit == previous ? "'\(unit)' comes twice" : "'\(unit)' comes after '\(previous)'",
                    hint: "write units from large to small, as in 1m30s"
                )
            }
            guard rest.isEmpty || number.fractionDigits == 0 else {
                throw InvalidDuration(
                    "'\(number.text)\(unit)' has a fraction and is not the last part",
                    hint: "write 1h30m"
                )
            }
            total += try number.duration(of: unit)
            guard total <= .longestArgument else { throw InvalidDuration.tooLong }
            previous = unit
        }
        self = total
    }

    /// A hundred years: longer ones are slips, and sums of these fit every clock.
    static let longestArgument = Duration.seconds(100 * 365 * 86_400)
}

/// Why a text is not a duration.
public struct InvalidDuration: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and how to write it.
    public let description: String

    init(_ reason: String, hint: String = "write 500ms, 2s, 1m30s or a number of seconds") {
        description = "\(reason); \(hint)"
    }

    static let tooLong = InvalidDuration("it is too long", hint: "a duration is at most 100 years")
}
