import ToolArguments

/// Draws the queue in the terminal, again and again in the same place.
struct LiveReport: Report {
    private var board: QueueBoard
    private let painter = Painter(isColored: Terminal.wantsColor)
    private let glyphs = Terminal.takesUnicode ? Glyphs.unicode : .ascii
    /// How many lines the last picture has.
    private var height = 0
    /// How wide the window was then.
    private var columns = 0
    private var lastDrawn: ContinuousClock.Instant?

    init(_ plan: Plan) {
        board = QueueBoard(plan)
    }

    var refreshInterval: Duration? { .milliseconds(100) }
    var ownsScreen: Bool { true }
    /// A burst of events is drawn with the next tick at the latest.
    private static let shortestInterval = Duration.milliseconds(30)

    private static let hideCursor = "\u{1b}[?25l"
    private static let showCursor = "\u{1b}[?25h"
    private static let clearLine = "\u{1b}[2K"
    private static let clearBelow = "\u{1b}[J"

    var abort: @Sendable () -> Void {
        { Terminal.write(Self.showCursor + "\n") }
    }

    mutating func show(_ stage: Message.Stage) {
        board.apply(stage)
        draw()
    }

    mutating func show(_ entry: History.Entry) {
        board.apply(entry)
        switch entry.event.kind {
        case .acquired, .lost, .cancelled, .crashed, .failed:
            if let lastDrawn, ContinuousClock.now - lastDrawn < Self.shortestInterval { return }
            draw()
        case .queued, .released:
            // The next one acquires in a moment: the empty lock between would only flicker.
            break
        }
    }

    mutating func show(_ event: EnsembleEvent) {
        board.apply(event)
        draw()
    }

    mutating func refresh() {
        board.beat += 1
        draw()
    }

    mutating func end(_ summary: Summary?) {
        guard let summary else {
            clear()
            Terminal.write(Self.showCursor)
            return
        }
        // Without the queue: it is empty now.
        let columns = Terminal.size.columns
        let head = [StyledLine(), board.title(glyphs), StyledLine(), board.strip(columns, glyphs), StyledLine()]
        let table = SummaryTable.lines(summary, glyphs) + [StyledLine()]
        // Lines of the table may wrap in a narrow window: they stay, and nothing is drawn over them.
        clear()
        let lines = head.map { $0.cut(to: columns - 1) } + table
        Terminal.write(lines.map { painter.paint($0) + "\n" }.joined() + Self.showCursor)
    }

    private mutating func draw() {
        lastDrawn = .now
        let size = Terminal.size
        let lines = board.frame(at: .now, size: size, glyphs: glyphs)
        var text = height == 0 ? Self.hideCursor : top(size)
        for line in lines { text += Self.clearLine + painter.paint(line) + "\n" }
        height = lines.count
        columns = size.columns
        // In one write, so that no half picture is ever seen.
        Terminal.write(text + Self.clearBelow)
    }

    private mutating func clear() {
        guard height > 0 else { return }
        Terminal.write(top(Terminal.size) + Self.clearBelow)
        height = 0
    }

    /// Goes to where the last picture begins.
    private func top(_ size: Terminal.Size) -> String {
        // In a window that was made narrower its lines have wrapped: nobody knows how far up that is.
        size.columns < columns ? "\u{1b}[H" : "\r\u{1b}[\(height)A"
    }
}
