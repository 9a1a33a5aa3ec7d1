import NIOCore

/// What is on its way through the proxy in one direction: a value, told the time.
///
/// Order is kept whatever the delays are, as TCP keeps it.
struct Flow {
    enum Item: Equatable {
        case bytes(ByteBuffer)
        /// The sender will send nothing more.
        case end
        /// The connection ends here.
        case cut
    }

    typealias Instant = ContinuousClock.Instant

    private(set) var conditions: Conditions
    private var items = CircularBuffer<(item: Item, due: Instant)>()
    /// Nothing more is taken.
    private(set) var hasEnded = false
    /// When a line of limited width is free again.
    private var lineFree: Instant?

    init(_ conditions: Conditions) {
        self.conditions = conditions
    }

    /// Takes in what has arrived. Nothing is taken after an end or a cut.
    mutating func append(_ item: Item, at now: Instant, using generator: inout some RandomNumberGenerator) {
        guard !hasEnded else { return }
        switch item {
        case .bytes(let bytes):
            for piece in pieces(of: bytes) {
                push(.bytes(piece), size: piece.readableBytes, now, &generator)
            }
        case .end, .cut:
            hasEnded = true
            push(item, size: 0, now, &generator)
        }
    }

    /// The next that departs; `nil` when none is due yet, or nothing departs now.
    mutating func next(at now: Instant) -> Item? {
        guard let due = nextDue, due <= now else { return nil }
        return items.removeFirst().item
    }

    /// When the next one departs; `nil` when there is none, or nothing departs now.
    var nextDue: Instant? { conditions.isFrozen ? nil : items.first?.due }

    /// The end has departed, or what there was has been dropped.
    var isOver: Bool { hasEnded && items.isEmpty }

    /// What is on its way departs when it was to, or when it would if it had arrived now, whichever is sooner.
    mutating func apply(_ conditions: Conditions, at now: Instant) {
        self.conditions = conditions
        guard conditions.bytesPerSecond == nil else { return }
        lineFree = nil
        let latest = now + conditions.delay
        for index in items.indices { items[index].due = min(items[index].due, latest) }
    }

    /// Drops everything that is on its way.
    mutating func discard() {
        items.removeAll()
        hasEnded = true
    }

    private mutating func push(
        _ item: Item, size: Int, _ now: Instant, _ generator: inout some RandomNumberGenerator
    ) {
        var departure = now
        if let rate = conditions.bytesPerSecond {
            departure = max(now, lineFree ?? now) + .seconds(Double(size) / Double(rate))
            lineFree = departure
        }
        departure += conditions.delay
        if conditions.jitter > .zero {
            departure += conditions.jitter * Double.random(in: 0...1, using: &generator)
        }
        items.append((item, max(departure, items.last?.due ?? departure)))
    }

    /// On a slow line a large packet does not arrive all at once: pieces of a twentieth of a second.
    private func pieces(of bytes: ByteBuffer) -> [ByteBuffer] {
        guard let rate = conditions.bytesPerSecond else { return [bytes] }
        var rest = bytes
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            guard let piece = rest.readSlice(length: min(rest.readableBytes, max(1, rate / 20))) else { break }
            pieces.append(piece)
        }
        return pieces
    }
}
