/// A line of the screen: pieces of text that know what they mean, not how they look.
struct StyledLine: Equatable, Sendable {
    enum Style: Equatable, Sendable {
        case plain, strong, faint, good, bad
        /// Something of that worker.
        case worker(Int)
        /// The mark of that worker.
        case badge(Int)
    }

    struct Piece: Equatable, Sendable {
        var text: String
        var style: Style
    }

    private(set) var pieces: [Piece] = []

    init(_ text: String = "", _ style: Style = .plain) {
        add(text, style)
    }

    mutating func add(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: text, style: style)) }
    }

    /// The text alone.
    var text: String { pieces.map(\.text).joined() }

    var width: Int { pieces.reduce(0) { $0 + $1.text.columns } }

    /// Without what would not fit: a line that wraps would spoil the redrawing.
    func cut(to columns: Int) -> StyledLine {
        var line = StyledLine()
        var room = columns
        for piece in pieces {
            var text = ""
            for character in piece.text {
                room -= character.columns
                guard room >= 0 else { break }
                text.append(character)
            }
            line.add(text, piece.style)
            guard room >= 0 else { break }
        }
        return line
    }
}

extension String {
    var columns: Int { reduce(0) { $0 + $1.columns } }
}

extension Character {
    /// How many columns it takes; rather one too many where terminals differ.
    fileprivate var columns: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        // Symbols and drawing characters from U+2000 are narrow, what comes behind them is mostly wide.
        return scalar.value < 0x1100 || (0x2000..<0x2c00).contains(scalar.value) ? 1 : 2
    }
}
