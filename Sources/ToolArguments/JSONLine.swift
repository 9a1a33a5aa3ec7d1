/// One JSON object on one line, with its keys in the order in which they were added.
public struct JSONLine: Sendable {
    private var members: [String] = []

    public init() {}

    public init(event: String) {
        add("event", event)
    }

    public mutating func add(_ key: String, _ value: String) { add(key, literal: Self.quoted(value)) }
    public mutating func add(_ key: String, _ value: Int) { add(key, literal: "\(value)") }
    public mutating func add(_ key: String, _ value: Int64) { add(key, literal: "\(value)") }
    public mutating func add(_ key: String, _ value: Bool) { add(key, literal: "\(value)") }

    /// In milliseconds.
    public mutating func add(_ key: String, _ value: Duration?) {
        add(key, literal: value.map { "\($0.milliseconds)" } ?? "null")
    }

    /// An array of objects.
    public mutating func add(_ key: String, _ values: [JSONLine]) {
        add(key, literal: "[" + values.map(\.text).joined(separator: ",") + "]")
    }

    /// An array of texts.
    public mutating func add(_ key: String, _ values: [String]) {
        add(key, literal: "[" + values.map(Self.quoted).joined(separator: ",") + "]")
    }

    private mutating func add(_ key: String, literal: String) {
        members.append("\(Self.quoted(key)):\(literal)")
    }

    public var text: String { "{" + members.joined(separator: ",") + "}" }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
