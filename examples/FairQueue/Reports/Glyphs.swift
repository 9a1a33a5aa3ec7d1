/// The characters that the screen is drawn with.
struct Glyphs: Equatable, Sendable {
    var full: String
    var empty: String
    var wait: String
    var arrow: String
    var check: String
    var cross: String
    var dot: String
    var ellipsis: String
    var spinner: [String]

    static let unicode = Glyphs(
        full: "█",
        empty: "░",
        wait: "─",
        arrow: "◀",
        check: "✓",
        cross: "✗",
        dot: "·",
        ellipsis: "…",
        spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
    )
    static let ascii = Glyphs(
        full: "#",
        empty: ".",
        wait: "-",
        arrow: "<-",
        check: "ok",
        cross: "x",
        dot: "-",
        ellipsis: "...",
        spinner: ["|", "/", "-", "\\"]
    )
}
