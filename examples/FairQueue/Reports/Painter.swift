/// Turns meaning into the codes of a terminal.
struct Painter: Sendable {
    var isColored: Bool

    func paint(_ line: StyledLine) -> String {
        line.pieces.map(paint).joined()
    }

    private func paint(_ piece: StyledLine.Piece) -> String {
        guard isColored, let code = Self.code(of: piece.style) else { return piece.text }
        return "\u{1b}[\(code)m\(piece.text)\u{1b}[0m"
    }

    private static func code(of style: StyledLine.Style) -> String? {
        switch style {
        case .plain: nil
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .bad: "1;31"
        case .worker(let number): color(number)
        case .badge(let number): "7;\(color(number))"
        }
    }

    /// Red is kept for what goes wrong; the sixteen colours follow the theme of whoever looks.
    private static let colors = ["36", "33", "35", "32", "34", "96", "93", "95", "92", "94"]

    private static func color(_ worker: Int) -> String {
        colors[(worker - 1) % colors.count]
    }
}
