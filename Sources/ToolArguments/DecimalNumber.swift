/// An unsigned number with a decimal point, kept exactly.
struct DecimalNumber {
    let text: Substring
    /// All digits, the point left out.
    private let digits: Int128
    let fractionDigits: Int

    /// No clock counts finer than a nanosecond.
    private static let mostFractionDigits = 9
    /// So that even with a fraction, and in days, it fits 128 bits.
    private static let mostWholeDigits = 14

    /// Takes the digits at the start of `rest`.
    init(takingFrom rest: inout Substring) throws(InvalidDuration) {
        let whole = rest.prefix(while: \.isASCIIDigit)
        var fraction: Substring = ""
        var end = whole.endIndex
        if end < rest.endIndex, rest[end] == "." {
            fraction = rest[rest.index(after: end)...].prefix(while: \.isASCIIDigit)
            end = fraction.endIndex
            guard !fraction.isEmpty else { throw InvalidDuration("a digit is missing after the point") }
        }
        guard !whole.isEmpty || !fraction.isEmpty else {
            throw InvalidDuration("'\(rest)' does not begin with a number")
        }
        guard fraction.count <= Self.mostFractionDigits else {
            throw InvalidDuration(
                "it has \(fraction.count) digits after the point",
                hint: "at most \(Self.mostFractionDigits) count"
            )
        }
        guard whole.drop(while: { $0 == "0" }).count <= Self.mostWholeDigits,
            let digits = Int128("0" + whole + fraction)
        else { throw InvalidDuration.tooLong }
        text = rest[..<end]
        self.digits = digits
        fractionDigits = fraction.count
        rest = rest[end...]
    }

    func duration(of unit: DurationUnit) throws(InvalidDuration) -> Duration {
        let scale = (0..<fractionDigits).reduce(Int128(1)) { scale, _ in scale * 10 }
        let (attoseconds, overflow) = digits.multipliedReportingOverflow(by: unit.attoseconds)
        guard !overflow else { throw InvalidDuration.tooLong }
        return Duration(attoseconds: attoseconds / scale)
    }
}

extension Character {
    /// `Character.isNumber` takes digits of every script, and fractions such as ½.
    var isASCIIDigit: Bool { ("0"..."9").contains(self) && isASCII }
}
