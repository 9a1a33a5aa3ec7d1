import ToolArguments

/// One JSON object on one line, with its keys in the order in which they were added.
struct JSONLine {
    private var members: [String] = []

    init(event: String) {
        add("event", event)
    }

    mutating func add(_ key: String, _ value: String) { add(key, literal: Self.quoted(value)) }
    mutating func add(_ key: String, _ value: Int) { add(key, literal: "\(value)") }
    mutating func add(_ key: String, _ value: Int64) { add(key, literal: "\(value)") }
    mutating func add(_ key: String, _ value: Bool) { add(key, literal: "\(value)") }

    /// In milliseconds.
    mutating func add(_ key: String, _ value: Duration?) {
        add(key, literal: value.map { "\($0.milliseconds)" } ?? "null")
    }

    private mutating func add(_ key: String, literal: String) {
        members.append("\(Self.quoted(key)):\(literal)")
    }

    var text: String { "{" + members.joined(separator: ",") + "}" }

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
