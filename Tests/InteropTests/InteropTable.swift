import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// What was found out, as a document has it.
enum InteropTable {
    struct Row: Sendable {
        var pairing: Pairing
        var cells: [String]
    }

    private static let rows = Recorder<Row>()
    private static let begin = "<!-- the table: written by the tests -->"
    private static let end = "<!-- the end of the table -->"
    private static let document = Programs.interop + "/README.md"

    /// Whether the document is to be written anew.
    static var isWritten: Bool { getenv("INTEROP_TABLE").map { String(cString: $0) } == "write" }

    static func add(_ pairing: Pairing, _ result: PairingRun.Result) {
        let cells: [String]
        if pairing.expectation == .works {
            let history = result.history
            let grants = pairing.workers.indices.map { "\(history.count(of: $0))" }.joined(separator: " + ")
            cells = [
                result.isSound ? "yes" : "no", grants, "\(history.updates - result.counter) of \(history.updates)",
                history.outOfOrder == 0 ? "yes" : "\(history.outOfOrder) not",
                "\(history.changes)", pairing.readers > 1 ? "\(history.meetings)" : "–",
            ]
        } else {
            cells = [result.answer == .waited ? "yes" : "no", pairing.expectation.reason, result.answer?.text ?? ""]
        }
        rows.append(Row(pairing: pairing, cells: cells))
    }

    /// Prints the table when all is known; writes it into the document when that is asked for.
    static func finish() throws {
        let rows = rows.all.sorted { $0.pairing.number < $1.pairing.number }
        guard rows.count == Pairing.all.count else { return }
        let text = markdown(rows)
        print(text)
        guard isWritten else { return }
        let old = try contents()
        let range = try tableRange(in: old)
        try Data((old[..<range.lowerBound] + text + old[range.upperBound...]).utf8).write(to: URL(filePath: document))
    }

    private static func markdown(_ rows: [Row]) -> String {
        func table(_ header: [String], _ rows: [Row]) -> String {
            let lines = [header, header.map { _ in "---" }] + rows.map { [$0.pairing.title] + $0.cells }
            return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
        }
        return table(
            [
                "on one path", "works", "grants of each", "updates lost", "in order of the numbers",
                "handed from one to another", "readers that met",
            ], rows.filter { $0.pairing.expectation == .works }) + "\n"
            + table(
                ["on one path", "works", "why not", "what happened"],
                rows.filter { $0.pairing.expectation != .works })
    }

    private static func contents() throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: document)), as: UTF8.self)
    }

    private static func tableRange(in text: String) throws -> Range<String.Index> {
        let first = try #require(text.firstRange(of: begin + "\n"))
        let last = try #require(text.firstRange(of: end))
        return first.upperBound..<last.lowerBound
    }

    /// The pairings of the document, and what it says of them.
    static func documented() throws -> [[String]] {
        let text = try contents()
        return text[try tableRange(in: text)].split(separator: "\n").compactMap { line in
            let cells = line.dropFirst(2).split(separator: " | ").map(String.init)
            guard cells.count > 2, cells[0] != "on one path", !cells[0].hasPrefix("---") else { return nil }
            return Array(cells[..<2])
        }
    }

    /// The pairings that the tests know.
    static var known: [[String]] { Pairing.all.map { [$0.title, $0.expectation == .works ? "yes" : "no"] } }
}

extension Pairing.Expectation {
    fileprivate var reason: String {
        switch self {
        case .works: ""
        case .overlaps(let reason), .fails(let reason): reason
        }
    }
}

extension PairingRun.Answer {
    fileprivate var text: String {
        switch self {
        case .granted: "the second was granted it while the first held it"
        case .failed(let error): "the second failed: `\(error)`"
        case .waited: "the second waited"
        }
    }
}
