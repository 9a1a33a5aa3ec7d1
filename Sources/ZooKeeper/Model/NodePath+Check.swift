extension NodePath {
    /// Why `string` is no path of a znode, or `nil` when it is one.
    ///
    /// The rules are those of `PathUtils.validatePath` in the server, plus two that keep harm away: the reserved tree
    /// `/zookeeper` and the length. The C client cuts a string at NUL without a word, so that is refused here too.
    static func flaw(in string: String) -> String? {
        guard !string.isEmpty else { return "the path is empty" }
        guard string.utf8.first == UInt8(ascii: "/") else { return "a path begins with '/': '\(string.printable)'" }
        guard string.utf8.count <= maximumLength else {
            return "the path has \(string.utf8.count) bytes, at most \(maximumLength) are accepted"
        }
        if let flaw = flawedCharacter(in: string) { return flaw }
        if string == "/" { return nil }

        var offset = 1
        for component in string.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            defer { offset += component.count + 1 }
            if component.isEmpty {
                return offset > string.utf8.count - 1
                    ? "a path does not end with '/': '\(string)'"
                    : "empty component at byte \(offset) of '\(string)'"
            }
            if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
                return "relative component at byte \(offset) of '\(string)'"
            }
        }
        // By bytes: a combining character behind a slash makes another Character of it.
        if string.utf8.elementsEqual("/zookeeper".utf8) || string.utf8.starts(with: "/zookeeper/".utf8) {
            return "'/zookeeper' is reserved for the server: '\(string)'"
        }
        return nil
    }

    /// Names the first character that ZooKeeper does not allow in a path.
    static func flawedCharacter(in string: String) -> String? {
        var offset = 0
        for scalar in string.unicodeScalars {
            defer { offset += UTF8.width(scalar) }
            let value = scalar.value
            let isForbidden =
                value <= 0x1F || (0x7F...0x9F).contains(value) || (0xE000...0xF8FF).contains(value)
                || (0xFFF0...0xFFFF).contains(value)
            guard isForbidden || value > 0xFFFF else { continue }
            let name = "U+" + String(value, radix: 16, uppercase: true)
            return value > 0xFFFF
                ? "\(name) at byte \(offset): ZooKeeper allows no characters outside the Basic Multilingual Plane"
                : "\(name) at byte \(offset): ZooKeeper does not allow this character"
        }
        return nil
    }
}

extension String {
    /// The string cut to a length that fits an error message, control characters escaped.
    var printable: String {
        let limit = 80
        let text = unicodeScalars.prefix(limit).map { $0.value < 0x20 ? $0.escaped(asASCII: true) : String($0) }
            .joined()
        return unicodeScalars.count > limit ? text + "…" : text
    }
}
