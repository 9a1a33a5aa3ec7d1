import Glibc

/// What the items are about: a file that all workers write to, one line of text for each item, under `flock`. It refuses a token that is
/// smaller than the largest it has seen of that item, and a second end.
///
/// A line is `TOKEN COUNT WORKER REFUSED`, filled up with spaces: the largest token, how often the item was finished, by whom, and how many
/// writes were refused.
struct TokenStore: Sendable {
    struct Line {
        var token: Int64 = 0
        var count = 0
        var worker = -1
        var refused = 0
    }

    enum Answer { case accepted, finishedBefore, refused }

    static let length = 64
    var file: String

    /// The numbers of the items that nobody has finished.
    func unfinished(of count: Int) -> [Int] {
        access { descriptor in
            var bytes = [UInt8](repeating: 0, count: count * Self.length)
            _ = pread(descriptor, &bytes, bytes.count, 0)
            return (0..<count).filter { Self.line(bytes[($0 * Self.length)..<(($0 + 1) * Self.length)]).count == 0 }
        }
    }

    /// Somebody is about to work on the item.
    func begin(_ item: Int, token: Int64) -> Answer {
        change(item) { line in
            guard token >= line.token else { return .refused }
            line.token = token
            return line.count > 0 ? .finishedBefore : .accepted
        }
    }

    /// The item is finished.
    func finish(_ item: Int, token: Int64, worker: Int) -> Answer {
        change(item) { line in
            guard token >= line.token else { return .refused }
            line.token = token
            line.count += 1
            line.worker = worker
            return .accepted
        }
    }

    private func change(_ item: Int, _ body: (inout Line) -> Answer) -> Answer {
        access { descriptor in
            var bytes = [UInt8](repeating: 0, count: Self.length)
            _ = pread(descriptor, &bytes, bytes.count, item * Self.length)
            var line = Self.line(bytes[...])
            let answer = body(&line)
            if case .refused = answer { line.refused += 1 }
            let text = "\(line.token) \(line.count) \(line.worker) \(line.refused)"
            let padding = [UInt8](repeating: UInt8(ascii: " "), count: Self.length - 1 - text.utf8.count)
            _ = (Array(text.utf8) + padding + [UInt8(ascii: "\n")]).withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, item * Self.length)
            }
            return answer
        }
    }

    private func access<R>(_ body: (Int32) -> R) -> R {
        let descriptor = open(file, O_RDWR | O_CLOEXEC)
        flock(descriptor, LOCK_EX)
        // The lock goes with the descriptor, also when the process is killed.
        defer { close(descriptor) }
        return body(descriptor)
    }

    private static func line(_ bytes: ArraySlice<UInt8>) -> Line {
        let fields = String(decoding: bytes, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count == 4 else { return Line() }
        return Line(
            token: Int64(fields[0]) ?? 0, count: Int(fields[1]) ?? 0, worker: Int(fields[2]) ?? -1,
            refused: Int(fields[3]) ?? 0)
    }
}
